/**
 * `bun run test:faults` runs every case, `bun run test:faults kill-9 redis-paused` some. `--short` is what
 * the checks run; `--write` writes the tables of docs/reliability.md, where all have passed.
 */
import { parseArgs } from 'node:util'
import { buildIfOutdated, tidy } from '../harness/executable.ts'
import { cases } from './cases/index.ts'
import { write } from './report.ts'
import { type Outcome, runAll } from './runner.ts'

const { values, positionals } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    seed: { type: 'string' },
    kills: { type: 'string' },
    soak: { type: 'string' },
  },
  allowPositionals: true,
})
const options = {
  seed: numberOf('seed', Math.floor(Math.random() * 1e9)),
  kills: numberOf('kills', values.short ? 5 : 50),
  soakMinutes: numberOf('soak', 2),
}
const names = cases.map(({ name }) => name)
const unknown = positionals.find(name => !names.includes(name))
if (unknown) refuse(`There is no case "${unknown}". There are ${names.join(', ')}.`)

process.on('SIGINT', () => process.exit(130))
process.on('SIGTERM', () => process.exit(143))

await buildIfOutdated()
const chosen = cases.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
const results = await runAll(chosen, options)
await tidy()

const count = (kind: Outcome['kind']) => results.filter(([, outcome]) => outcome.kind === kind).length
if (values.write && count('passed') === cases.length) await write(results, options)
else if (values.write)
  console.log('Nothing is written: the tables take a run of all cases, all of them passed.')
const notRun = count('not here')
console.log(`${count('passed')} passed, ${count('failed')} failed${notRun ? `, ${notRun} not run` : ''}`)
process.exit(count('failed') === 0 ? 0 : 1)

function numberOf(option: 'seed' | 'kills' | 'soak', otherwise: number): number {
  const given = Number(values[option] ?? otherwise)
  if (Number.isNaN(given)) refuse(`--${option} takes a number.`)
  return given
}

function refuse(sentence: string): never {
  console.error(sentence)
  process.exit(2)
}
