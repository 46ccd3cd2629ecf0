/** What a stop, a crash or a failing disk has left behind. */
import { Database as Sqlite } from 'bun:sqlite'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'bun:test'
import { cpSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startApp, type TestApp } from '../harness/app.ts'
import { followRun, openEventStream } from '../harness/event-stream.ts'
import { end, startRawModel, toolCalls, word } from '../harness/model.ts'

async function* slowly(signal: AbortSignal) {
  yield word('first ')
  await new Promise(resolve => signal.addEventListener('abort', resolve))
}
async function* quickly() {
  yield word('answer') + end
}

let raw: ReturnType<typeof startRawModel>
let app: TestApp
let alice: Awaited<ReturnType<TestApp['newUser']>>
beforeAll(() => {
  raw = startRawModel(asked => {
    if (asked === 'change')
      return async function* (signal) {
        if (JSON.stringify(raw.requests.at(-1)!.body).includes('"role":"tool"')) yield* slowly(signal)
        else yield toolCalls({ name: 'update_my_profile', args: { bio: 'changed' } })
      }
    return asked === 'slow' ? slowly : quickly
  })
})
beforeEach(async () => {
  app = await startApp(raw.environment)
  alice = await app.newUser()
})
afterEach(() => app.stop())
afterAll(() => raw.stop())

const me = (method: string, path: string, body?: unknown) => app.as(alice)(method, path, body)

/** A chat that answers, and messages in line behind. */
async function busyChat(...waiting: object[]) {
  const reader = await openEventStream(app.url, alice.access_token, { message: 'slow' })
  const { event } = await reader.until('TEXT_MESSAGE_CONTENT')
  const { chats } = (await me('GET', '/agent-chats')).body
  const session: string = chats[0].id
  for (const message of waiting) {
    const before = queued().length
    void me('POST', '/agent-chats', { session_id: session, on_conflict: 'enqueue', ...message }).catch(
      () => {},
    )
    while (queued().length === before) await Bun.sleep(5)
  }
  return { session, run: event.run_id! }
}

function read<Row>(sql: string): Row[] {
  const file = new Sqlite(join(app.dataDir, 'parley.db'), { readonly: true })
  const rows = file.query(sql).all() as Row[]
  file.close()
  return rows
}
const queued = () => read<{ id: string }>("SELECT id FROM runs WHERE status = 'queued' ORDER BY id")

async function startAgain() {
  const { dataDir } = app
  await app.stop({ keep: true })
  app = await startApp(raw.environment, { dataDir })
}

test('a message in line that has no place keeps no server from starting, and its run says why it failed', async () => {
  const { session } = await busyChat({ message: 'edit', replaces: 'nothing' })
  const [run] = queued()
  await startAgain()
  const { body } = await me('GET', `/agent-chats/${session}/runs/${run!.id}`)
  expect(body).toMatchObject({ status: 'failed', error: { code: 'message_not_found' } })
})

test('messages in line are kept below each other, with all that was said before', async () => {
  const { session } = await busyChat({ message: 'second' }, { message: 'third' })
  await startAgain()
  const { messages } = (await me('GET', `/agent-chats/${session}/messages`)).body
  expect(messages.map(({ content }: { content: string }) => content).reverse()).toEqual([
    'slow',
    'first ',
    'second',
    'third',
  ])
})

test('a run in line that nobody carries out any more is ended when somebody looks at it', async () => {
  const { session } = await busyChat({ message: 'second' })
  const [run] = queued()
  await app.services.runner.stop(50)
  const reader = await followRun(app.url, alice.access_token, session, run!.id)
  expect((await reader.until('RUN_ERROR')).event.code).toBe('run_interrupted')
  expect((await me('GET', `/agent-chats/${session}/runs/${run!.id}`)).body.status).toBe('failed')
})

test('what is on record of a run that has ended is swept out, and holds up nothing else', async () => {
  const { body } = await me('POST', '/agent-chats', { message: 'one' })
  const { dataDir } = app
  await app.stop({ keep: true })
  const file = new Sqlite(join(dataDir, 'parley.db'))
  file.run('INSERT INTO run_record (run_id, events) VALUES (?, ?)', [body.events[0].run_id, '[]'])
  file.close()
  app = await startApp(raw.environment, { dataDir })
  await me('POST', '/agent-chats', { message: 'two' })
  expect(read('SELECT run_id FROM run_record')).toEqual([])
})

/** A run that waits for an approval. */
async function waitingRun() {
  const { session_id, events } = (await me('POST', '/agent-chats', { message: 'change' })).body
  const { run_id, interrupts } = events.at(-1)
  return { path: `/agent-chats/${session_id}/runs/${run_id}`, session_id, run_id, approval: interrupts[0].id }
}

test('a result that was told before a crash is the only one of its call after it', async () => {
  const { session_id, run_id, path, approval } = await waitingRun()
  await me('POST', `${path}/approvals/${approval}`, { approved: true })
  const reader = await followRun(app.url, alice.access_token, session_id, run_id)
  await reader.until('TEXT_MESSAGE_CONTENT')
  const dataDir = mkdtempSync(join(tmpdir(), 'parley-crashed-'))
  cpSync(app.dataDir, dataDir, { recursive: true })
  await app.stop()
  app = await startApp(raw.environment, { dataDir })
  const events = await (await followRun(app.url, alice.access_token, session_id, run_id)).rest()
  const results = events.filter(({ event }) => event.type === 'TOOL_CALL_RESULT')
  expect(results.map(({ event }) => event.error)).toEqual([null])
  expect(events.at(-1)!.event.code).toBe('run_interrupted')
})

test('a stop is heard while an answer to what waits is looked at that is none', async () => {
  const { path } = await waitingRun()
  const file = new Sqlite(join(app.dataDir, 'parley.db'))
  file.run('BEGIN IMMEDIATE')
  const forged = me('POST', `${path}/approvals/${Bun.randomUUIDv7()}`, { approved: true })
  await Bun.sleep(100)
  const stop = me('POST', `${path}/cancel`)
  await Bun.sleep(100)
  file.run('ROLLBACK')
  file.close()
  expect((await stop).body.status).toBe('cancelled')
  expect((await forged).status).toBe(404)
})

test('a stop takes nobody’s turn who waits to have the chat alone', async () => {
  const { session } = await busyChat()
  await me('POST', `/agent-chats/ui/${session}/stop`)
  const { agentChats } = app.services
  const gate = Promise.withResolvers<void>()
  const first = agentChats.alone(alice.user.id, session, 'interrupt', () => gate.promise)
  const second = agentChats.alone(alice.user.id, session, 'interrupt', async () => 'taken')
  const stop = me('POST', `/agent-chats/ui/${session}/stop`)
  await Bun.sleep(50)
  gate.resolve()
  await first
  expect(await second).toBe('taken')
  expect((await stop).status).toBe(204)
})

test('messages that interrupt each other stay in the order they came in', async () => {
  const { session } = await busyChat()
  const say = (message: string) =>
    me('POST', '/agent-chats', { message, session_id: session, on_conflict: 'interrupt' })
  await Promise.all(['second', 'third', 'fourth'].map(say))
  const { messages } = (await me('GET', `/agent-chats/${session}/messages`)).body
  const runs: string[] = messages.flatMap((message: { role: string; run_id: string }) =>
    message.role === 'user' ? [message.run_id] : [],
  )
  expect(runs).toHaveLength(4)
  expect(runs).toEqual(runs.toSorted().reverse())
})

test('the headers of a stream are told at once, while its run goes on', async () => {
  const { session, run } = await busyChat()
  for (const path of [`${session}/runs/${run}/events`, `ui/${session}/stream`]) {
    const headers = { authorization: `Bearer ${alice.access_token}` }
    const head = await fetch(`${app.url}/api/v1/agent-chats/${path}`, { method: 'HEAD', headers })
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
  }
})

test('a run is found by its ids in capitals too', async () => {
  const { path } = await waitingRun()
  const [, , session, , run] = path.split('/')
  expect((await me('GET', `/agent-chats/${session!.toUpperCase()}/runs/${run!.toUpperCase()}`)).status).toBe(
    200,
  )
})
