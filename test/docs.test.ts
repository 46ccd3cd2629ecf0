/** The documentation says what the code does: every list has its rows, and no row outlives its code. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { documents, pages } from '../scripts/docs.ts'
import { buildApp } from '../src/app.ts'
import { en } from '../src/texts/en.ts'
import { zhCN } from '../src/texts/zh-CN.ts'
import { cases } from './faults/cases/index.ts'
import { startApp, type TestApp } from './harness/app.ts'

const root = join(import.meta.dir, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

describe('docs/runtime/runtime-route.md', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp()
  })
  afterAll(() => app.stop())

  /** Each section's statuses, by method and path. */
  const documented = () =>
    read('docs/runtime/runtime-route.md')
      .split(/^(?=## |### )/m)
      .flatMap(section => {
        const [, method, path] = /^### ([A-Z]+) (\/\S*)$/m.exec(section) ?? []
        const statuses = [...section.matchAll(/^(?:\*\*Response:\*\*|-) (\d{3})\b/gm)].map(
          ([, status]) => status!,
        )
        return path ? [[`${method} /api/v1${path}`, [...new Set(statuses)].sort()]] : []
      })

  test('has a section for every route with its statuses, and a route for every section', () => {
    const routes = buildApp(app.services)
      .routes.filter(({ path }) => path.startsWith('/api/v1/'))
      .map(({ method, path, hooks }) => [
        `${method} ${path.replace(/:(\w+)/g, '{$1}')}`,
        Object.keys(hooks.response).sort(),
      ])
    expect(documented().sort()).toEqual(routes.sort())
  })
})

describe('generated tables', () => {
  test.each(documents())('$path is what "bun run docs" writes', ({ path, content }) => {
    expect(read(path)).toBe(content)
  })

  test('stand where readers look for them', () => {
    const tables = pages.flatMap(page =>
      [...read(page).matchAll(/<!-- table: (.+) -->/g)].map(([, name]) => `${page}: ${name}`),
    )
    expect(tables).toEqual([
      'README.md: settings',
      'README.zh-CN.md: settings in Chinese',
      'docs/agent.md: faults',
      'docs/configuration.md: settings in full',
      'docs/errors.md: errors',
      'docs/limits.md: limits',
      'docs/runtime/runtime-route.md: errors in Chinese',
    ])
  })
})

describe('docs/reliability.md', () => {
  test('has a row for every case, in their order, and no other', () => {
    const table = /<!-- faults -->([\s\S]*)<!-- \/faults -->/.exec(read('docs/reliability.md'))![1]!
    const rows = [...table.matchAll(/^\| (?!What happened|---)(.+?) \|/gm)].map(([, fault]) => fault!)
    expect(rows).toEqual(cases.map(({ fault }) => fault))
  })
})

describe('links', () => {
  test.each(pages)('of %s lead somewhere', page => {
    const targets = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target!)
      .filter(target => !/^https?:/.test(target))
    expect(targets.filter(target => !resolves(page, target))).toEqual([])
  })

  test('every page is linked from another', () => {
    const linked = pages.flatMap(page =>
      [...read(page).matchAll(/\]\(([^)\s#]+)/g)].map(([, target]) => join(dirname(page), target!)),
    )
    const folders = linked.filter(target => target.endsWith('/'))
    const isLinked = (page: string) =>
      page === 'README.md' || linked.includes(page) || folders.some(folder => page.startsWith(folder))
    expect(pages.filter(page => !isLinked(page))).toEqual([])
  })
})

describe('texts', () => {
  test('have the same placeholders in every language', () => {
    expect(placeholders(en)).toEqual(placeholders(zhCN))
  })
})

function resolves(page: string, target: string): boolean {
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? page : join(dirname(page), path)
  if (!existsSync(join(root, file))) return false
  return anchor === undefined || anchors(read(file)).includes(anchor)
}

/** As GitHub makes them of headings. */
const anchors = (page: string): string[] =>
  [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

/** Each sentence's place, and the names it wants filled in. */
function placeholders(texts: object, place = ''): Array<[string, string[]]> {
  return Object.entries(texts).flatMap(
    ([key, text]): Array<[string, string[]]> =>
      typeof text === 'string'
        ? [[`${place}${key}`, [...text.matchAll(/\{(\w+)\}/g)].map(([name]) => name).sort()]]
        : placeholders(text, `${place}${key}.`),
  )
}
