/** wrk, the load generator: https://github.com/wg/wrk. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { installed } from '../../harness/installed.ts'
import { folder, outputOf } from '../processes.ts'

type Load = {
  seconds: number
  connections: number
  threads?: number
  headers?: Record<string, string>
  /** The Lua file beside this one that makes the requests, and what it takes. */
  script?: 'paced' | 'post' | 'refresh'
  args?: readonly string[]
}

type Report = { perSecond: number; p99Ms: number }

/** Throws where a request failed: a figure made of errors is none. */
export async function wrk(url: string, load: Load): Promise<Report> {
  const { seconds, connections, threads = 1, headers = {}, script, args = [] } = load
  const file = join(folder(), 'script.lua')
  writeFileSync(file, (script ? lua(script) : '') + lua('report'))
  const options = [`-t${threads}`, `-c${connections}`, `-d${seconds}s`, '-s', file]
  const sent = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const output = await outputOf([await program(), ...options, ...sent, url, '--', ...args])
  const said = JSON.parse(/^report (.*)$/m.exec(output)![1]!) as Record<string, number>
  if (said.failed! > 0 || said.requests === 0)
    throw new Error(`${url}: ${said.failed} of ${said.requests} requests failed.`)
  return { perSecond: said.requests! / (said.microseconds! / 1e6), p99Ms: said.p99! / 1000 }
}

const lua = (name: string) => readFileSync(join(import.meta.dir, `${name}.lua`), 'utf8')

const program = () => installed({ programs: ['wrk'], of: 'wrk', for: 'The bench needs' })
