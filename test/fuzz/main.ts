/**
 * `bun run test:fuzz` tries every property of this folder; `bun run test:fuzz tokens sockets` those of some files.
 * --minutes: how long in all; --seed: the one that a failure printed, to see it again.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const root = join(import.meta.dir, '../..')
const names = [...new Bun.Glob('*.fuzz.ts').scanSync(import.meta.dir)].map(name => name.slice(0, -8)).sort()
const { values, positionals } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
  allowPositionals: true,
})
const { minutes, seed } = values
const unknown = positionals.find(name => !names.includes(name))
if (unknown) refuse(`There is no "${unknown}". There are ${names.join(', ')}.`)
if (!(Number(minutes) > 0)) refuse('--minutes takes a number above 0.')
if (!/^\d{1,10}$/.test(seed)) refuse('--seed takes a whole number.')

const chosen = positionals.length > 0 ? positionals : names
const again = ['bun run test:fuzz', ...positionals, `--minutes ${minutes}`, `--seed ${seed}`].join(' ')
console.log(`Fuzzing ${chosen.join(', ')} with seed ${seed}.`)
const status = await Bun.spawn(
  [process.execPath, 'test', '--timeout=0', ...chosen.map(name => `./test/fuzz/${name}.fuzz.ts`)],
  {
    cwd: root,
    env: { ...process.env, FUZZ_MINUTES: minutes, FUZZ_SEED: seed },
    stdio: ['ignore', 'inherit', 'inherit'],
  },
).exited
if (status !== 0) console.log(`\nTo see it again: ${again}`)
process.exit(status)

function refuse(sentence: string): never {
  console.error(sentence)
  process.exit(2)
}
