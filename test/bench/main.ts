/**
 * `bun run bench` measures every row, `bun run bench users-me refresh` some, and writes them into
 * docs/performance.md. `--quick` shows in minutes that everything works, and writes nothing; `--profile` shows
 * where Parley's time goes, and writes nothing but that.
 */
import { readdirSync, rmSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { profileInto } from './parley.ts'
import { endAll, root } from './processes.ts'
import { hotFunctions } from './profile.ts'
import { blankReport, lastReport, save } from './report.ts'
import { rows } from './rows/index.ts'
import { table } from './table.ts'

const names = rows.map(({ name }) => name)
const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, profile: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const unknown = positionals.find(name => !names.includes(name))
if (unknown) {
  console.error(`There is no row "${unknown}". There are ${names.join(', ')}; and --quick, --profile.`)
  process.exit(2)
}
const busy = loadavg()[0]! / availableParallelism()
if (busy > 0.25)
  console.log(`The machine is busy already (load ${busy.toFixed(2)} a core); figures will be noisy.`)

const profiles = join(root, '.cache/bench/profiles')
if (values.profile) {
  rmSync(profiles, { recursive: true, force: true })
  profileInto(profiles)
}

const counts = !values.quick && !values.profile
const report = counts ? lastReport() : blankReport()
const failed: string[] = []
for (const { name, run } of rows) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  console.log(`\n== ${name}`)
  const started = performance.now()
  try {
    const figures = await run({ quick: values.quick, progress: text => console.log(`   ${text}`) })
    report.rows[name] = { date: new Date().toISOString().slice(0, 10), figures }
  } catch (error) {
    console.error(error)
    failed.push(name)
    endAll()
  }
  console.log(`   ${((performance.now() - started) / 1000).toFixed()} s`)
  // After every row: whoever stops the bench keeps what is done.
  if (counts) save(report, names)
}
console.log(`\n${table(report, names)}`)
if (values.profile) tellProfiles()
if (failed.length > 0) console.error(`Not measured: ${failed.join(', ')}.`)
process.exit(failed.length > 0 ? 1 : 0)

function tellProfiles(): void {
  for (const file of readdirSync(profiles)) console.log(`\n== ${file}\n${hotFunctions(join(profiles, file))}`)
  console.log(
    '\nThe figures above are those of a profiler at work. The profiles are in .cache/bench/profiles.',
  )
}
