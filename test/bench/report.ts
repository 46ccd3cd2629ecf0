/** The last figures of every row, kept in docs/performance.json, and the table made of them. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { version } from '../../package.json' with { type: 'json' }
import { type Figure, isMet, type Target } from './figure.ts'
import { root } from './processes.ts'

/** Figures of different machines or versions are never in one table. */
type Report = { machine: string; versions: string; rows: Record<string, { date: string; figures: Figure[] }> }

const file = join(root, 'docs/performance.json')
const page = join(root, 'docs/performance.md')

export function blankReport(): Report {
  const gib = Math.round(totalmem() / 1024 ** 3)
  const machine = `${availableParallelism()} cores of ${cpus()[0]!.model.trim()}, ${gib} GiB, ${platform()} ${release()} ${arch()}`
  return { machine, versions: `Parley ${version}, Bun ${Bun.version}`, rows: {} }
}

/** The last report, if it was made here; else a blank one. */
export function lastReport(): Report {
  const blank = blankReport()
  const last: Report | null = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null
  return last?.machine === blank.machine && last.versions === blank.versions ? last : blank
}

/** @param names of the rows, in their order */
export function save(report: Report, names: string[]): void {
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`)
  const text = readFileSync(page, 'utf8')
  const filled = text.replace(
    /(<!-- figures -->\n)[\s\S]*?(<!-- \/figures -->)/,
    (_, open, close) => `${open}\n${markdown(report, names)}\n\n${close}`,
  )
  writeFileSync(page, filled)
}

export function markdown({ machine, versions, rows }: Report, names: string[]): string {
  const head = ['What', 'Parley', 'Floor', 'Result', 'Target', 'Met', 'Date']
  const lines = names.flatMap(name =>
    (rows[name]?.figures ?? []).map(figure => [...cells(figure), rows[name]!.date]),
  )
  const table = [head, head.map(() => '---'), ...lines].map(line => `| ${line.join(' | ')} |`)
  return [`${versions}; ${machine}.`, '', ...table].join('\n')
}

const cells = (figure: Figure): string[] => [
  figure.what,
  `${readable(figure.parley)} ${figure.unit}`,
  figure.floor ? `${readable(figure.floor.value)} ${figure.unit}: ${figure.floor.by}` : '',
  `${readable(figure.result.value)} ${figure.result.unit ?? ''}`.trim(),
  ...(figure.target ? verdict(figure.result, figure.target) : ['', '']),
]

const verdict = ({ value, unit = '' }: Figure['result'], target: Target): string[] => [
  `${bound(target)} ${unit}`.trim(),
  isMet(value, target) ? 'yes' : '**no**',
]

const bound = (target: Target): string => {
  const [[kind, value]] = Object.entries(target) as [[string, number]]
  const sign = { atLeast: '≥', moreThan: '>', atMost: '≤', lessThan: '<' }[kind]
  return `${sign} ${value.toLocaleString('en')}`
}

/** Three digits that count, and no more than a measurement gives. */
const readable = (value: number): string =>
  value.toLocaleString('en', { maximumSignificantDigits: value < 1000 ? 3 : 4 })
