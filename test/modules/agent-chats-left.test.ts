/** What a stop, a crash or a failing disk has left behind. */
import { Database as Sqlite } from 'bun:sqlite'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'bun:test'
import { join } from 'node:path'
import { startApp, type TestApp } from '../harness/app.ts'
import { followRun, openEventStream } from '../harness/event-stream.ts'
import { end, startRawModel, word } from '../harness/model.ts'

let raw: ReturnType<typeof startRawModel>
let app: TestApp
let alice: Awaited<ReturnType<TestApp['newUser']>>
beforeAll(() => {
  raw = startRawModel(asked =>
    asked === 'slow'
      ? async function* (signal) {
          yield word('first ')
          await new Promise(resolve => signal.addEventListener('abort', resolve))
        }
      : async function* () {
          yield word('answer') + end
        },
  )
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
