/** dist/parley while it runs, is stopped, is killed, and starts again. */
import { Database } from 'bun:sqlite'
import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, renameSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import {
  type Executable,
  emptyFolder,
  program,
  runExecutable,
  startExecutable,
  tidy,
} from './harness/executable.ts'
import { startGatedModel } from './harness/gated-model.ts'
import {
  everythingProgram,
  isAlive,
  oddProgram,
  serversFile,
  startEverything,
  tidyServers,
} from './harness/mcp.ts'
import { stopwatch } from './harness/stopwatch.ts'
import { openStream } from './harness/stream.ts'

setDefaultTimeout(60_000)
afterAll(tidy)
afterAll(tidyServers)

describe('what was acknowledged', () => {
  const chat = async (parley: Executable, who: { access_token: string }, body: object) =>
    (await parley.as(who)('POST', '/agent-chats', body)).body

  test('is there after SIGTERM and a new start: account, sessions, chats', async () => {
    const before = await startExecutable()
    const alice = await before.newUser({ username: 'alice' })
    const { session_id, events } = await chat(before, alice, { message: 'hello' })
    expect(JSON.stringify(events)).toContain('OPENAI_API_KEY')
    before.signal('SIGTERM')
    expect(await before.exited).toBe(0)

    const after = await startExecutable({ cwd: before.cwd })
    const { email, password } = alice
    const again = await after.call('POST', '/auth/sessions', { email, password })
    expect(again.status).toBe(200)
    expect((await after.as(alice)('GET', '/users/me')).body.username).toBe('alice')
    expect((await chat(after, again.body, { session_id, message: 'and again' })).output).toContain(
      'message number 2',
    )
    await after.kill()
  })

  test('is there after kill -9', async () => {
    const before = await startExecutable()
    const alice = await before.newUser({ username: 'alice' })
    const renamed = await before.as(alice)('PATCH', '/users/me', { bio: 'written a moment before' })
    expect(renamed.status).toBe(200)
    await before.kill()

    const after = await startExecutable({ cwd: before.cwd })
    const refreshed = await after.call('POST', '/auth/sessions/refresh', {
      refresh_token: alice.refresh_token,
    })
    expect(refreshed.status).toBe(200)
    expect((await after.as(refreshed.body)('GET', '/users/me')).body.bio).toBe('written a moment before')
    await after.kill()
  })
})

describe('a backup', () => {
  test('made while the server runs brings everything back, put in the place of the database', async () => {
    const parley = await startExecutable()
    const alice = await parley.newUser({ username: 'alice' })
    const data = join(parley.cwd, 'data')
    const backup = join(parley.cwd, 'backup.db')
    const live = new Database(join(data, 'parley.db'))
    live.run('VACUUM INTO ?', [backup])
    live.close()
    await parley.as(alice)('PATCH', '/users/me', { bio: 'after the backup' })
    await parley.kill()

    for (const file of ['parley.db-wal', 'parley.db-shm']) rmSync(join(data, file), { force: true })
    renameSync(backup, join(data, 'parley.db'))
    const restored = await startExecutable({ cwd: parley.cwd })
    expect((await restored.as(alice)('GET', '/users/me')).body).toMatchObject({
      username: 'alice',
      bio: null,
    })
    await restored.kill()
  })
})

describe('a stop', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'by %s ends an idle server at once, with status 0',
    async signal => {
      const parley = await startExecutable()
      const took = stopwatch()
      parley.signal(signal)
      expect(await parley.exited).toBe(0)
      expect(took()).toBeLessThan(2000)
      expect(existsSync(join(parley.cwd, 'data/parley.db-wal'))).toBe(false)
    },
  )

  test('lets a running answer end, begins none, and is not ready; all else is served, and the status is 0', async () => {
    const model = startGatedModel()
    const parley = await startExecutable({ env: model.environment })
    const alice = await parley.newUser()
    const answer = openStream(parley.url, alice.access_token)
    await answer.says('first ')
    parley.signal('SIGTERM')
    await parley.logged(/stopping/)
    const [ready, message, profile] = await Promise.all([
      parley.call('GET', '/infra/ready'),
      parley.as(alice)('POST', '/agent-chats', { message: 'one more' }),
      parley.as(alice)('GET', '/users/me'),
    ])
    expect([ready.status, ready.body.code]).toEqual([503, 'stopping'])
    expect([message.status, message.body.code]).toEqual([503, 'stopping'])
    expect(profile.status).toBe(200)
    model.open()
    await answer.says('RUN_FINISHED')
    expect(await parley.exited).toBe(0)
    model.stop()
  })

  test('is not held up by a client that never ends its request; a running answer still ends', async () => {
    const model = startGatedModel()
    const parley = await startExecutable({ env: model.environment })
    const alice = await parley.newUser()
    const { port } = new URL(parley.url)
    const sending = connect(Number(port), '127.0.0.1')
    sending.on('error', () => {})
    sending.write(
      'POST /api/v1/auth/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    )
    const answer = openStream(parley.url, alice.access_token)
    await answer.says('first ')
    parley.signal('SIGTERM')
    await parley.logged(/stopping/)
    const answered = performance.now()
    model.open()
    await answer.says('RUN_FINISHED')
    expect(await parley.exited).toBe(0)
    expect(performance.now() - answered).toBeLessThan(15_000)
    sending.destroy()
    model.stop()
  })
})

describe('MCP servers', () => {
  test('are reached by the executable as well, and end with it', async () => {
    const [everything, overHttp, stubborn] = [
      everythingProgram(),
      await startEverything(),
      oddProgram('stubborn'),
    ]
    const servers = { everything: everything.entry, http: overHttp.entry, stubborn: stubborn.entry }
    const parley = await startExecutable({ env: { MCP_SERVERS: serversFile(servers) } })
    const states = async () =>
      Object.values(
        (await parley.call('GET', '/infra/health')).body.services.mcp as Record<string, { status: string }>,
      )
    while ((await states()).some(({ status }) => status === 'unhealthy')) await Bun.sleep(20)
    const pids = [...everything.pids(), ...stubborn.pids()]
    expect(pids.map(isAlive)).toEqual([true, true])
    parley.signal('SIGTERM')
    expect(await parley.exited).toBe(0)
    expect(pids.map(isAlive)).toEqual([false, false])
    await overHttp.stop()
  })

  test('that are wrong in their file stop the start with a sentence', async () => {
    const env = { MCP_SERVERS: serversFile({ weather: { args: [] } }) }
    const { status, output } = await runExecutable({ env })
    expect([status, output.trim()]).toEqual([
      1,
      `MCP_SERVERS takes the path of a JSON file of MCP servers. In ${env.MCP_SERVERS}, the server "weather" \
takes either "command", a program to start, or "url", an address to speak to.`,
    ])
  })
})

describe('requests in hand', () => {
  test('are answered before the end, and what they were told is kept', async () => {
    const parley = await startExecutable()
    const people = Array.from({ length: 8 }, (_, i) => ({
      username: `late_${i}`,
      email: `late_${i}@example.com`,
      password: 'correct horse',
    }))
    const answers = people.map(person => parley.call('POST', '/auth/verifications', person))
    // All have come in once one has been hashed, and the others wait for their turn.
    await Promise.race(answers)
    parley.signal('SIGTERM')
    for (const answer of await Promise.all(answers)) expect(answer.status).toBe(202)
    expect(await parley.exited).toBe(0)
    const data = new Database(join(parley.cwd, 'data/parley.db'), { readonly: true })
    expect(data.query('SELECT count(*) AS attempts FROM sign_up_attempts').get()).toEqual({ attempts: 8 })
    data.close()
  })
})

describe('the log', () => {
  test('may lose its reader: the server goes on, and stops well', async () => {
    const child = Bun.spawn([program], {
      cwd: emptyFolder(),
      env: { PORT: '0', LOG_LEVEL: 'debug' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const reader = child.stdout.getReader()
    const url = /http:\S+(?=;)/.exec(new TextDecoder().decode((await reader.read()).value))![0]
    await reader.cancel()
    for (let i = 0; i < 3; i++) expect((await fetch(`${url}/api/v1/health`)).status).toBe(200)
    child.kill('SIGTERM')
    expect(await child.exited).toBe(0)
  })
})

describe('model streams', () => {
  test.each([
    ['', {}],
    [', also where an empty setting says nothing else', { BUN_CONFIG_MAX_HTTP_REQUESTS: '' }],
  ])('run at once by the hundreds, beyond the 256 outgoing requests that Bun allows%s', async (_, env) => {
    const model = startGatedModel()
    const parley = await startExecutable({ env: { ...model.environment, AGENT_MAX_RUNS: '300', ...env } })
    const alice = await parley.newUser()
    const answers = Array.from({ length: 300 }, () => openStream(parley.url, alice.access_token))
    // None can end before all have begun.
    await Promise.all(answers.map(answer => answer.says('first ')))
    expect(model.waiting()).toBe(300)
    model.open()
    await Promise.all(answers.map(answer => answer.says('RUN_FINISHED')))
    await parley.kill()
    model.stop()
  })
})
