/** The last figures of every row, kept in docs/performance.json; the page and the chart are made of them. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { version } from '../../package.json' with { type: 'json' }
import { chart } from './chart.ts'
import type { Figure } from './figure.ts'
import { root } from './processes.ts'
import betterAuth from './rivals/better-auth/package.json' with { type: 'json' }
import mastra from './rivals/mastra/package.json' with { type: 'json' }
import { pocketBaseVersion } from './rivals/pocketbase.ts'
import { table } from './table.ts'

/** Figures of different machines or versions are never in one table. */
export type Report = {
  machine: string
  versions: string
  rows: Record<string, { date: string; figures: Figure[] }>
}

const docs = (file: string) => join(root, 'docs', file)

const versions = {
  Parley: version,
  Bun: Bun.version,
  Mastra: mastra.dependencies['@mastra/core'],
  'better-auth': betterAuth.dependencies['better-auth'],
  PocketBase: pocketBaseVersion,
}

export function blankReport(): Report {
  const gib = Math.round(totalmem() / 1024 ** 3)
  const machine = `${availableParallelism()} cores of ${cpus()[0]!.model.trim()}, ${gib} GiB, ${platform()} ${release()} ${arch()}`
  const names = Object.entries(versions).map(words => words.join(' '))
  return { machine, versions: names.join(', '), rows: {} }
}

/** The last report, if it was made here; else a blank one. */
export function lastReport(): Report {
  const blank = blankReport()
  const file = docs('performance.json')
  const last: Report | null = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null
  return last?.machine === blank.machine && last.versions === blank.versions ? last : blank
}

/** @param names of the rows, in their order */
export function save(report: Report, names: string[]): void {
  writeFileSync(docs('performance.json'), `${JSON.stringify(report, null, 2)}\n`)
  writeFileSync(docs('performance.svg'), chart(report, names))
  const text = readFileSync(docs('performance.md'), 'utf8')
  const filled = text.replace(
    /(<!-- figures -->\n)[\s\S]*?(<!-- \/figures -->)/,
    (_, open, close) =>
      `${open}\n![Parley beside its floors and rivals](performance.svg)\n\n${table(report, names)}\n\n${close}`,
  )
  writeFileSync(docs('performance.md'), filled)
}
