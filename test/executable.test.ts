/** dist/parley as a stranger meets it: an empty folder, no settings, a process of its own. */
import { Database } from 'bun:sqlite'
import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { version } from '../package.json' with { type: 'json' }
import { settings } from '../src/config.ts'
import { migrations } from '../src/database/migrations/index.ts'
import { emptyFolder, runExecutable, startExecutable, tidy } from './harness/executable.ts'

setDefaultTimeout(60_000)
afterAll(tidy)

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)

describe('the command line', () => {
  test('--help names every setting', async () => {
    const { status, output } = await runExecutable({ args: ['--help'] })
    expect(status).toBe(0)
    for (const name of Object.keys(settings)) expect(output).toContain(`\n  ${name}\n`)
  })

  test('--version says the version', async () => {
    expect(await runExecutable({ args: ['--version'] })).toMatchObject({ status: 0, output: `${version}\n` })
  })

  test('--licenses gives the licence of each package that is in it, Apache and notices among them', async () => {
    const { status, output } = await runExecutable({ args: ['--licenses'] })
    expect(status).toBe(0)
    for (const told of [
      'Copyright (c) 2026 Parley contributors',
      `Bun ${Bun.version}`,
      '=== elysia ',
      '=== swagger-ui-dist ',
      'TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION',
      'SmartBear Software Inc.',
      '=== zod ',
    ])
      expect(output).toContain(told)
    expect(output).not.toContain('=== playwright-core ')
  })

  test('refuses a command that is none', async () => {
    const { status, output, cwd } = await runExecutable({ args: ['launch'] })
    expect(status).toBe(2)
    expect(output).toBe('There is no "launch". See --help.\n')
    expect(readdirSync(cwd)).toEqual([])
  })
})

describe('a start', () => {
  test('in an empty folder makes what it needs, for this user alone, and says so in one line', async () => {
    const parley = await startExecutable()
    const data = join(parley.cwd, 'data')
    const [line] = await parley.logged(/^.* Parley .*$/m)
    expect(line).toContain(
      `Parley ${version} on ${parley.url}; data in ${data}; codes and limits: embedded; mail: this log; model: demo`,
    )
    expect(readdirSync(parley.cwd)).toEqual(['data'])
    expect(mode(data)).toBe('700')
    expect(readdirSync(data).sort()).toEqual(expect.arrayContaining(['parley.db', 'secret']))
    expect(readdirSync(data).map(file => `${file} ${mode(join(data, file))}`)).toEqual(
      readdirSync(data).map(file => `${file} 600`),
    )
    await parley.kill()
  })

  test('says what is not fit for production', async () => {
    const parley = await startExecutable()
    await parley.logged(
      /not fit for production: mails, codes included, are printed to this log .*; the demonstration model answers/,
    )
    await parley.kill()
  })

  test('in production takes its conveniences when they are asked for by name', async () => {
    const parley = await startExecutable({
      env: { NODE_ENV: 'production', MAIL: 'log', AGENT_MODEL: 'demo' },
    })
    expect((await parley.call('GET', '/health')).body).toEqual({ status: 'ok' })
    await parley.kill()
  })

  test('reads .env in the working directory; the environment wins', async () => {
    const cwd = emptyFolder()
    writeFileSync(join(cwd, '.env'), 'DATA_DIR=elsewhere\nDEFAULT_LOCALE=zh-CN\n')
    const parley = await startExecutable({ cwd, env: { DEFAULT_LOCALE: 'en' } })
    expect(readdirSync(cwd).sort()).toEqual(['.env', 'elsewhere'])
    expect((await parley.call('GET', '/nothing')).body.detail).toBe('There is nothing at /api/v1/nothing.')
    await parley.kill()
  })

  test('runs nothing that a stray bunfig.toml names', async () => {
    const cwd = emptyFolder()
    writeFileSync(join(cwd, 'bunfig.toml'), 'preload = ["./bait.ts"]\n')
    writeFileSync(join(cwd, 'bait.ts'), "require('node:fs').writeFileSync('taken', '')\n")
    writeFileSync(join(cwd, 'script.ts'), '')
    const parley = await startExecutable({ cwd })
    await parley.kill()
    expect(existsSync(join(cwd, 'taken'))).toBe(false)
    // The bait is good: Bun itself takes it.
    await Bun.spawn([process.execPath, 'script.ts'], { cwd }).exited
    expect(existsSync(join(cwd, 'taken'))).toBe(true)
  })
})

describe('a start is refused', () => {
  const production = { NODE_ENV: 'production' }
  const refusals: Array<[why: string, env: Record<string, string>, sentence: string]> = [
    ['a port that is none', { PORT: '70000' }, 'PORT takes a whole number from 0 to 65535.\n'],
    ['a short secret', { JWT_SECRET: 'too short' }, 'JWT_SECRET takes a secret of at least 32 bytes.\n'],
    ['a word of its own', { LOG_LEVEL: 'loud' }, 'LOG_LEVEL takes one of debug, info, warning, error.\n'],
    [
      'a path for an origin',
      { CORS_ORIGINS: 'https://a.example/app' },
      'CORS_ORIGINS takes a comma-separated list, each an origin such as https://app.example.com.\n',
    ],
    [
      'a Redis of another kind',
      { REDIS_URL: 'http://127.0.0.1' },
      'REDIS_URL takes an address that starts with redis:// or rediss://, as redis://user:password@host:6379/0, percent-encoded.\n',
    ],
    [
      'a model without its server',
      { AGENT_MODEL: 'gpt-5' },
      'AGENT_MODEL names a model, so OPENAI_API_KEY or OPENAI_BASE_URL is needed.\n',
    ],
    [
      'a server without its model',
      { OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' },
      'AGENT_MODEL is needed with OPENAI_BASE_URL: name a model of that server.\n',
    ],
    [
      'production that mails nowhere',
      { ...production, AGENT_MODEL: 'demo' },
      'SMTP_URL is needed to send mails (or MAIL=log to print them to the log).\n',
    ],
    [
      'production without a model',
      { ...production, MAIL: 'log' },
      'OPENAI_API_KEY or OPENAI_BASE_URL is needed (or AGENT_MODEL=demo for the demonstration model).\n',
    ],
  ]
  test.each(refusals)('for %s, by name, leaving nothing behind', async (_, env, sentence) => {
    const { status, output, cwd } = await runExecutable({ env })
    expect(output).toBe(sentence)
    expect(status).toBe(1)
    expect(readdirSync(cwd)).toEqual([])
  })

  test('for a data folder that is a file', async () => {
    const cwd = emptyFolder()
    writeFileSync(join(cwd, 'data'), '')
    const { status, output } = await runExecutable({ cwd })
    expect(output).toStartWith(`The folder DATA_DIR=${join(cwd, 'data')} cannot be created`)
    expect(status).toBe(1)
  })

  test('for a database that is none', async () => {
    const cwd = emptyFolder()
    mkdirSync(join(cwd, 'data'))
    writeFileSync(
      join(cwd, 'data/parley.db'),
      'a shopping list, much longer than any header of a database'.repeat(20),
    )
    const { status, output } = await runExecutable({ cwd })
    expect(output).toStartWith(`The database ${join(cwd, 'data/parley.db')} is damaged`)
    expect(status).toBe(1)
  })

  test('for a database of a newer version, which stays as it is', async () => {
    const parley = await startExecutable()
    await parley.kill()
    const path = join(parley.cwd, 'data/parley.db')
    const newer = migrations.length + 1
    using database = new Database(path)
    database.run(`PRAGMA user_version = ${newer}`)
    const { status, output } = await runExecutable({ cwd: parley.cwd })
    expect(output).toBe(
      `The database ${path} was written by a newer Parley (version ${newer}, this one knows ${migrations.length}). Start the newer executable.\n`,
    )
    expect(status).toBe(1)
    expect(database.query('PRAGMA user_version').get()).toEqual({ user_version: newer })
  })

  test('while another has the port or the data folder', async () => {
    const parley = await startExecutable()
    const { port } = new URL(parley.url)
    const samePort = await runExecutable({ env: { PORT: port } })
    expect(samePort.output).toBe(
      `PORT ${port} on 127.0.0.1 is taken by another program. Stop it, or set another PORT.\n`,
    )
    expect(samePort.status).toBe(1)
    const sameFolder = await runExecutable({ cwd: parley.cwd })
    expect(sameFolder.output).toBe(
      `Another Parley is running on ${join(parley.cwd, 'data')}. Stop it first, or give this one a DATA_DIR of its own.\n`,
    )
    expect(sameFolder.status).toBe(1)
    expect((await parley.call('GET', '/health')).status).toBe(200)
    await parley.kill()
  })
})

describe('parley health', () => {
  test('tells whether the server of these settings lives', async () => {
    const parley = await startExecutable()
    const env = { PORT: new URL(parley.url).port, HTTP_PROXY: 'http://127.0.0.1:1' }
    expect(await runExecutable({ args: ['health'], env })).toMatchObject({ status: 0, output: '' })
    await parley.kill()
    expect(await runExecutable({ args: ['health'], env })).toMatchObject({
      status: 1,
      output: `No Parley answers on HOST 127.0.0.1, PORT ${env.PORT}.\n`,
    })
  })
})

describe('the API reference', () => {
  test('comes whole from the executable: its page, its scripts, its document', async () => {
    const parley = await startExecutable()
    const page = await fetch(`${parley.url}/docs`)
    expect(page.headers.get('content-type')).toStartWith('text/html')
    const html = await page.text()
    const loaded = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(
      ([, source]) => new URL(source!, page.url),
    )
    expect(loaded.length).toBeGreaterThan(1)
    for (const source of loaded) {
      expect(source.origin).toBe(parley.url)
      const part = await fetch(source)
      expect([source.pathname, part.status]).toEqual([source.pathname, 200])
      expect((await part.text()).length).toBeGreaterThan(50)
    }
    const document = (await fetch(`${parley.url}/openapi.json`).then(response => response.json())) as {
      paths: object
    }
    expect(Object.keys(document.paths)).toContain('/api/v1/agent-chats')
    await parley.kill()
  })
})
