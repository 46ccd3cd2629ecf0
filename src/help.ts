import { settings } from './config.ts'

/** What --help prints. */
export const help = (
  version: string,
): string => `Parley ${version}: accounts and an AI agent for your app, in one executable.

Usage
  parley [serve]     start the server
  parley health      ask the server of these settings whether it lives: exit status 0 or 1
  parley --help      this page
  parley --version   the version
  parley --licenses  the licences of all that is in this executable

Settings, from the environment or a .env file in the working directory
${Object.entries(settings).map(settingHelp).join('\n')}

After the start: the API reference at /docs, the state of the parts at /api/v1/infra/health.
`

const settingHelp = ([name, { help, takes, ...entry }]: [
  string,
  { help: string; takes: string; default: unknown; unset?: string },
]) => `  ${name}\n      ${help}\n      Takes ${takes}. Default: ${defaultOf(entry)}.`

/** A default in words. */
export function defaultOf({ default: value, unset }: { default: unknown; unset?: string }): string {
  if (value === undefined) return unset ?? 'none'
  return Array.isArray(value) ? value.join(',') || 'none' : String(value)
}
