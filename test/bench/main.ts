/**
 * `bun run bench` measures every row, `bun run bench users-me refresh` some, and writes them into
 * docs/performance.md. `--quick` shows in minutes that everything works, and writes nothing.
 */
import { availableParallelism, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { blankReport, lastReport, save } from './report.ts'
import { rows } from './rows/index.ts'
import { table } from './table.ts'

const names = rows.map(({ name }) => name)
const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const unknown = positionals.find(name => !names.includes(name))
if (unknown) {
  console.error(`There is no row "${unknown}". There are ${names.join(', ')}; and --quick.`)
  process.exit(2)
}
const busy = loadavg()[0]! / availableParallelism()
if (busy > 0.25)
  console.log(`The machine is busy already (load ${busy.toFixed(2)} a core); figures will be noisy.`)

const report = values.quick ? blankReport() : lastReport()
for (const { name, run } of rows) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  console.log(`\n== ${name}`)
  const figures = await run({ quick: values.quick, progress: text => console.log(`   ${text}`) })
  report.rows[name] = { date: new Date().toISOString().slice(0, 10), figures }
  // After every row: whoever stops the bench keeps what is done.
  if (!values.quick) save(report, names)
}
console.log(`\n${table(report, names)}`)
process.exit(0)
