/** The tables of docs/reliability.md, made of what a run has seen. */
import { join } from 'node:path'
import { version } from '../../package.json' with { type: 'json' }
import type { Seen } from './case.ts'
import { commandFor, type Options, type Result } from './runner.ts'

const page = join(import.meta.dir, '../../docs/reliability.md')

export async function write(results: Result[], options: Options): Promise<void> {
  const text = await Bun.file(page).text()
  const filled = text.replace(
    /(<!-- faults -->\n)[\s\S]*?(<!-- \/faults -->)/,
    (_, open, close) => `${open}\n${head(commandFor(options))}\n\n${tables(results)}\n\n${close}`,
  )
  await Bun.write(page, filled)
}

const head = (command: string): string =>
  `Parley ${version}, Bun ${Bun.version}, ${process.platform} ${process.arch}, ${new Date().toISOString().slice(0, 10)}: \`${command}\`.`

function tables(results: Result[]): string {
  const rows = results.flatMap(([{ group, fault }, outcome]) =>
    outcome.kind === 'passed' ? [{ group, fault, ...outcome.seen }] : [],
  )
  return [...Map.groupBy(rows, ({ group }) => group)]
    .map(([group, rows]) => `### ${group}\n\n${table(rows)}`)
    .join('\n\n')
}

const table = (rows: Array<Seen & { fault: string }>): string =>
  [
    ['What happened', 'What clients saw', 'What was logged', 'What was kept'],
    Array(4).fill('---'),
    ...rows.map(({ fault, clients, logged, kept }) => [fault, clients, logged || 'nothing', kept]),
  ]
    .map(cells => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n')
