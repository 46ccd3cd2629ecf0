/** The direction of imports: main -> command line -> app -> routes -> services -> stores and adapters. */
import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

const src = join(import.meta.dir, '../src')

/** `to` is a file under src, or the name of a package. A type import is erased: it ties nothing at run time. */
type Import = { from: string; to: string; type: boolean; lazy: boolean }

const files = [...new Bun.Glob('**/*.ts').scanSync(src)].filter(file => !file.endsWith('.d.ts')).sort()
const sources = new Map(files.map(file => [file, readFileSync(join(src, file), 'utf8')]))
const imports = files.flatMap(importsOf)

const rules: Array<{ rule: string; from: RegExp; never: RegExp; except?: (import_: Import) => boolean }> = [
  {
    rule: 'what everybody uses imports nothing above it',
    from: /^(errors|limits|log|secrets|config)\.ts$|^texts\//,
    never: /^(adapters|database|http|modules)\/|^(app|main|command-line|services|help)\.ts$/,
  },
  {
    rule: 'adapters import nothing above them',
    from: /^adapters\//,
    never: /^(http|modules)\/|^(app|main|command-line|services)\.ts$|^database\/(?!database\.ts)/,
  },
  {
    rule: 'the database serves the interfaces of the features, and knows none of their rules',
    from: /^database\//,
    never: /^(http|adapters|modules)\/|^(app|main|command-line|services)\.ts$/,
    except: ({ to, type }) => type && to.startsWith('modules/'),
  },
  {
    rule: 'what all routes share knows features and adapters by their types alone',
    from: /^http\//,
    never: /^(adapters|database|modules)\/|^(app|main|command-line|services)\.ts$/,
    except: ({ type }) => type,
  },
  {
    rule: 'a feature does not know the database, nor who wires it',
    from: /^modules\//,
    never: /^database\/|^(app|main|command-line|services)\.ts$/,
  },
  {
    rule: 'HTTP ends at the routes',
    from: /^modules\/(?!.*\/([\w-]*routes|[\w-]*schema|openapi)\.ts$|agent-chats\/wires\/)/,
    never: /^http\/|^elysia$|^@elysiajs\//,
  },
  {
    rule: 'a feature knows an adapter by its interface',
    from: /^modules\//,
    never: /^adapters\//,
    except: ({ to }) => /^adapters\/(\w+)\/(limiter|codes|mailer|events)\.ts$/.test(to),
  },
  {
    rule: 'a store is an interface: types in, types out',
    from: /^modules\/[\w-]+\/([\w-]+-)?store\.ts$/,
    never: /./,
    except: ({ type }) => type,
  },
  {
    rule: 'only services.ts chooses implementations',
    from: /^(?!services\.ts|adapters\/)/,
    never: /^adapters\/[\w-]+\/index\.ts$/,
  },
  {
    rule: 'only services.ts opens stores',
    from: /^(?!services\.ts|database\/)/,
    never: /^database\/.*-store\.ts$/,
  },
  { rule: 'SQLite is spoken in the database folder', from: /^(?!database\/)/, never: /^bun:sqlite$/ },
  {
    rule: 'Redis and SMTP are spoken in the adapters',
    from: /^(?!adapters\/)/,
    never: /^(redis|nodemailer)$/,
  },
  {
    rule: 'models are spoken to from agent chats',
    from: /^(?!modules\/agent-chats\/)/,
    never: /^(ai|@ai-sdk\/.*)$/,
  },
]

describe('the direction of imports', () => {
  test.each(rules)('$rule', ({ from, never, except }) => {
    const wrong = imports.filter(found => from.test(found.from) && never.test(found.to) && !except?.(found))
    expect(wrong.map(({ from, to }) => `${from} -> ${to}`)).toEqual([])
  })

  test("a feature knows another's store by its types alone", () => {
    const wrong = imports.filter(
      ({ from, to, type }) =>
        !type && /^modules\/[\w-]+\/([\w-]+-)?store\.ts$/.test(to) && feature(from) !== feature(to),
    )
    expect(wrong.map(({ from, to }) => `${from} -> ${to}`)).toEqual([])
  })

  test('no file imports itself, by whatever way round', () => {
    expect(files.map(cycleFrom).filter(cycle => cycle !== null)).toEqual([])
  })

  test('main.ts loads nothing itself but what may start the process anew', () => {
    const loaded = imports.filter(({ from }) => from === 'main.ts').map(({ to, lazy }) => [to, lazy])
    expect(loaded).toEqual([
      ['bun-settings.ts', false],
      ['command-line.ts', true],
    ])
    expect(imports.filter(({ from }) => from === 'bun-settings.ts')).toEqual([])
  })

  test('every file is reached from main.ts', () => {
    const reached = new Set(['main.ts'])
    for (const file of reached)
      for (const { from, to } of imports) if (from === file && sources.has(to)) reached.add(to)
    expect(files.filter(file => !reached.has(file))).toEqual([])
  })

  test('only the settings come from the environment', () => {
    // What Bun itself is told is no setting of ours, nor is where a child finds programs.
    const may = ['command-line.ts', 'bun-settings.ts', 'modules/agent-chats/tools/mcp/stdio.ts']
    const readers = files.filter(file =>
      /\b(Bun|process|import\.meta)\.env\b|\benv \} = process/.test(sources.get(file)!),
    )
    expect(readers.sort()).toEqual(may.sort())
  })
})

function importsOf(from: string): Import[] {
  const statement =
    /^(?:import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s+)?'([^']+)'|(?<!typeof )\bimport\('([^']+)'\)/gms
  return [...sources.get(from)!.matchAll(statement)].map(([, type, direct, lazy]) => {
    const name = (direct ?? lazy)!
    return {
      from,
      to: name.startsWith('.') ? normalize(join(dirname(from), name)) : name,
      type: Boolean(type),
      lazy: lazy !== undefined,
    }
  })
}

const feature = (file: string) => /^modules\/([\w-]+)\//.exec(file)?.[1]

/** The way from a file back to itself, type imports aside. */
function cycleFrom(start: string): string | null {
  const ways = [[start]]
  const seen = new Set<string>()
  for (const way of ways)
    for (const { from, to, type } of imports) {
      if (type || from !== way.at(-1)) continue
      if (to === start) return [...way, to].join(' -> ')
      if (sources.has(to) && !seen.has(to)) ways.push([...way, to])
      seen.add(to)
    }
  return null
}
