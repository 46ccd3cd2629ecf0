/**
 * Writes the tables in the documentation from the lists in the code, and .env.example. A test holds them equal.
 * A table stands in any Markdown file between `<!-- table: NAME -->` and `<!-- /table -->`, and a file beside the page
 * between `<!-- code: PATH -->` and `<!-- /code -->`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { type SettingName, settings } from '../src/config.ts'
import { errorCodes } from '../src/errors.ts'
import { defaultOf } from '../src/help.ts'
import { statusOf } from '../src/http/problem.ts'
import { limits } from '../src/limits.ts'
import { textsIn } from '../src/texts/index.ts'
import { type Fault, modelFaults } from './model-faults.ts'
import { settingsInChinese } from './settings.zh-CN.ts'

const root = join(import.meta.dir, '..')

/** The READMEs and all of docs/. */
export const pages = ['*.md', 'docs/**/*.md']
  .flatMap(pattern => [...new Bun.Glob(pattern).scanSync(root)])
  .sort()

/** Every generated file, as it should be. */
export function documents(): Array<{ path: string; content: string }> {
  return [
    { path: '.env.example', content: environmentExample() },
    ...pages
      .map(path => ({ path, content: readFileSync(join(root, path), 'utf8') }))
      .filter(({ content }) => /<!-- (table|code): /.test(content))
      .map(({ path, content }) => ({ path, content: withCode(path, withTables(content)) })),
  ]
}

const tables: Record<string, () => string> = {
  settings: () =>
    table(
      ['Setting', 'Default', 'What it does'],
      entries.map(([name, entry]) => [`\`${name}\``, defaultCell(entry), entry.help]),
    ),
  'settings in full': () =>
    table(
      ['Setting', 'Takes', 'Default', 'What it does'],
      entries.map(([name, entry]) => [`\`${name}\``, entry.takes, defaultCell(entry), entry.help]),
    ),
  'settings in Chinese': () =>
    table(
      ['设置', '默认值', '作用'],
      entries.map(([name, entry]) => {
        const { help, unset } = settingsInChinese[name]
        return [`\`${name}\``, unset ?? defaultCell(entry), help]
      }),
    ),
  errors: () =>
    table(
      ['`code`', 'Status', '`detail` in English', '`detail` in Chinese'],
      errorCodes.map(code => [
        `\`${code}\``,
        String(statusOf[code]),
        textsIn('en').errors[code],
        textsIn('zh-CN').errors[code],
      ]),
    ),
  'errors in Chinese': () =>
    table(
      ['`code`', '状态码', '`detail`'],
      errorCodes.map(code => [`\`${code}\``, String(statusOf[code]), textsIn('zh-CN').errors[code]]),
    ),
  faults: () =>
    table(
      ['What the model API does', '`code`', 'Status', '`Retry-After`', 'What to look at'],
      Object.values<Fault>(modelFaults).map(({ what, code, retryAfter = '', check }) => [
        what,
        `\`${code}\``,
        String(statusOf[code]),
        retryAfter,
        check,
      ]),
    ),
  limits: () =>
    table(
      ['Limit', 'At most', 'For each', 'While Redis is away', 'Why'],
      Object.entries(limits).map(([name, { times, seconds, per, withoutStore, why }]) => [
        `\`${name}\``,
        `${times} in ${duration(seconds)}`,
        per,
        withoutStore === 'refuse' ? 'refused, 503' : 'counted by each process',
        why,
      ]),
    ),
}

type Entry = { takes: string; default: unknown; unset?: string; help: string }
const entries = Object.entries(settings) as unknown as Array<[SettingName, Entry]>

const defaultCell = (entry: Entry) =>
  entry.default === undefined || defaultOf(entry) === 'none' ? defaultOf(entry) : `\`${defaultOf(entry)}\``

const duration = (seconds: number) =>
  seconds % 3600 === 0 ? `${seconds / 3600} h` : seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`

function withTables(page: string): string {
  return page.replace(/(<!-- table: (.+) -->\n)[\s\S]*?(<!-- \/table -->)/g, (_, open, name, close) => {
    const make = tables[name]
    if (!make) throw new Error(`There is no table "${name}".`)
    return `${open}\n${make()}\n\n${close}`
  })
}

const withCode = (page: string, content: string): string =>
  content.replace(/(<!-- code: (.+) -->\n)[\s\S]*?(<!-- \/code -->)/g, (_, open, path, close) => {
    const code = readFileSync(join(root, dirname(page), path), 'utf8')
    return `${open}\n\`\`\`${extname(path).slice(1)}\n${code}\`\`\`\n\n${close}`
  })

const table = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows]
    .map(cells => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n')

function environmentExample(): string {
  const head = '# Copy to .env and set what you need. Everything has a default; see docs/configuration.md.\n'
  const settings = entries.map(([name, entry]) => {
    const value = entry.default === undefined ? '' : Array.isArray(entry.default) ? '' : entry.default
    const unset = entry.unset ? ` Unset: ${entry.unset}.` : ''
    return `# ${entry.help}\n# Takes ${entry.takes}.${unset}\n#${name}=${value}\n`
  })
  return [head, ...settings].join('\n')
}

if (import.meta.main) for (const { path, content } of documents()) writeFileSync(join(root, path), content)
