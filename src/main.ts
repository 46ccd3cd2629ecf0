#!/usr/bin/env bun
/** The executable. Until it is known whether the process has to start itself anew, nothing else is loaded. */
import { applyBunSettings } from './bun-settings.ts'

applyBunSettings()
const { run } = await import('./command-line.ts')
await run(Bun.argv.slice(2))
