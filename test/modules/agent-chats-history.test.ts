import { Database as Sqlite } from 'bun:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ModelMessage } from 'ai'
import fc from 'fast-check'
import { readConfig } from '../../src/config.ts'
import { attachmentStore } from '../../src/database/attachment-store.ts'
import { chatStore } from '../../src/database/chat-store.ts'
import { conversationStore } from '../../src/database/conversation-store.ts'
import { Database } from '../../src/database/database.ts'
import { runStore } from '../../src/database/run-store.ts'
import { usageStore } from '../../src/database/usage-store.ts'
import { AppError } from '../../src/errors.ts'
import { openAgent } from '../../src/modules/agent-chats/agent.ts'
import { contextOf } from '../../src/modules/agent-chats/history.ts'
import { RunKeeper } from '../../src/modules/agent-chats/keeper.ts'
import { ModelChoice } from '../../src/modules/agent-chats/model-choice.ts'
import { Prompts } from '../../src/modules/agent-chats/prompts.ts'
import type { Run } from '../../src/modules/agent-chats/run.ts'
import { Runner } from '../../src/modules/agent-chats/runner.ts'
import { AgentChats } from '../../src/modules/agent-chats/service.ts'
import { TokenUsage } from '../../src/modules/usage/service.ts'
import { noUsage, type Spent } from '../../src/modules/usage/tokens.ts'
import { startApp, type TestApp } from '../harness/app.ts'
import { openEventStream } from '../harness/event-stream.ts'
import { startExecutable } from '../harness/executable.ts'
import { end, startModel, startRawModel, word } from '../harness/model.ts'

type Said = Exclude<ModelMessage, { role: 'user' }>

const user = (content: string) => ({ role: 'user' as const, content })
const assistant = (content: string): Said => ({ role: 'assistant', content })
const callAndResult = (toolCallId: string): Said[] => [
  { role: 'assistant', content: [{ type: 'tool-call', toolCallId, toolName: 'x', input: {} }] },
  {
    role: 'tool',
    content: [{ type: 'tool-result', toolCallId, toolName: 'x', output: { type: 'text', value: '1' } }],
  },
]

const text = fc.string({ minLength: 1, maxLength: 5 })
const turn = fc
  .tuple(text, fc.array(text.map(callAndResult), { maxLength: 3 }), text)
  .map(([question, calls, answer]) => [user(question), ...calls.flat(), assistant(answer)])

describe('the context of a message', () => {
  test('is whole turns, the newest of those there are, and the message', () =>
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 8 }), fc.nat(), (turns, seed) => {
        const all = turns.flat()
        const newest = all.slice(seed % (all.length + 1))
        const context = contextOf(newest, user('now'))
        const whole = turns.slice(turns.length - context.filter(({ role }) => role === 'user').length + 1)
        expect(context).toEqual([...whole.flat(), user('now')])
        const lost = newest.length - whole.flat().length
        expect(lost).toBeLessThan(turns.at(-whole.length - 1)?.length ?? 1)
      }),
    ))

  test('joins a message that got no answer to the one after it', () =>
    expect(contextOf([user('a'), user('b'), assistant('c'), user('d')], user('e'))).toEqual([
      user('a\n\nb'),
      assistant('c'),
      user('d\n\ne'),
    ]))
})

const addAlice = (database: Database) =>
  database.write(() =>
    database.prepare("INSERT INTO users VALUES ('alice', 'a@example.com', 'alice', '', NULL, NULL, 0)").run(),
  )

describe('the store', () => {
  const database = new Database(':memory:')
  const store = runStore(database)
  const start = (chatId: string, runId: string, userId = 'alice') => ({
    ...{
      chatId,
      runId,
      userId,
      answerId: `a-${runId}`,
      model: 'm',
      key: null,
      attachments: [],
      attachmentRoom: 0,
      now: 1,
    },
  })
  const begin = (chatId: string, runId: string, content = 'hello', userId = 'alice') =>
    store.beginRun(start(chatId, runId, userId), {
      messageId: `m-${runId}`,
      message: { id: `m-${runId}`, message: user(content) },
      parentId: null,
      title: null,
    })
  const finish = (
    chatId: string,
    runId: string,
    content: string,
    took = { usage: noUsage(), spent: [] as Spent[] },
  ) =>
    store.endRun({
      ...{ chatId, runId, userId: 'alice', status: 'finished', errorCode: null, events: [], paused: null },
      answer: [{ id: `a-${runId}`, message: assistant(content) }],
      ...took,
      now: 2,
    })
  const history = async (chatId: string, userId: string, bytes: number) => {
    const context = await store.context(chatId, userId, { kind: 'next' }, bytes)
    return typeof context === 'string' ? context : context.messages.map(({ message }) => message)
  }
  beforeAll(() =>
    database.write(() =>
      database
        .prepare("INSERT INTO users VALUES ('alice', 'a@example.com', 'alice', '', NULL, NULL, 0)")
        .run(),
    ),
  )
  afterAll(() => database.close())

  test('gives the newest messages that fit into the budget, to the byte', async () => {
    await begin('fit', 'fit1', '第一条')
    await finish('fit', 'fit1', '第二条')
    const sizes = [user('第一条'), assistant('第二条')].map(message =>
      Buffer.byteLength(JSON.stringify(message)),
    )
    const all = sizes[0]! + sizes[1]!
    expect(await history('fit', 'alice', all)).toEqual([user('第一条'), assistant('第二条')])
    expect(await history('fit', 'alice', all - 1)).toEqual([assistant('第二条')])
    expect(await history('fit', 'alice', sizes[1]! - 1)).toEqual([])
    expect(await history('fit', 'alice', -1)).toEqual([])
  })

  test("keeps another's chat closed, and changes nothing in it", async () => {
    await begin('hers', 'hers1', 'secret')
    expect(await history('hers', 'mallory', 1e6)).toBe('chat_not_found')
    expect(await begin('hers', 'hers2', 'mine?', 'mallory')).toBe('chat_not_found')
    expect(await history('hers', 'alice', 1e6)).toEqual([user('secret')])
    const runs = database.prepare("SELECT id, status FROM runs WHERE chat_id = 'hers'").all()
    expect(runs).toEqual([{ id: 'hers1', status: 'running' }])
  })

  test('knows nothing of an unknown chat', async () => {
    expect(await history('none', 'alice', 1e6)).toEqual([])
  })

  test('reads no text beyond the budget, however huge the chat', async () => {
    await begin('huge', 'huge0')
    const insert = database.prepare(
      "INSERT INTO messages VALUES ('huge', ?, ?, 'huge0', 0, 100000, '{', 'h' || (? - 1))",
    )
    // Were any of these read, it would not parse.
    await database.write(() => {
      for (let position = 2; position < 20_000; position++) insert.run(position, `h${position}`, position)
      // But this one, for the index.
      database
        .prepare(
          "UPDATE messages SET content = json_object('role', 'user', 'content', '') WHERE id = 'h19999'",
        )
        .run()
      database.prepare("UPDATE runs SET message_id = 'h19999' WHERE id = 'huge0'").run()
    })
    await finish('huge', 'huge0', 'last')
    expect(await history('huge', 'alice', 1000)).toEqual([assistant('last')])
  })

  test('keeps nothing of an answer whose run is gone but what it took', async () => {
    const usage = { ...noUsage(), outputTokens: 7 }
    const spent = [{ ...usage, day: '2026-11-22', model: 'm' }]
    await finish('none', 'nobody', 'lost', { usage, spent })
    expect(database.prepare("SELECT * FROM messages WHERE id = 'a-nobody'").all()).toEqual([])
    expect(usageStore(database).between('alice', '2026-11-22', '2026-11-22')).toEqual(spent)
  })

  test('finds the newest end below a message without going through the chat for each on the way', async () => {
    await begin('deep', 'deep0')
    const insert = database.prepare(
      'INSERT INTO messages VALUES (\'deep\', ?, ?, \'deep0\', 0, 2, \'{"role":"user","content":""}\', ?)',
    )
    const depth = 8000
    await database.write(() => {
      for (let n = 0; n < depth; n++) insert.run(n + 10, `n${n}`, n === 0 ? null : `n${n - 1}`)
    })
    const path = await chatStore(database).path('alice', 'deep', { through: 'n0' }, 1)
    expect(path).toMatchObject([{ id: `n${depth - 1}` }])
  }, 5000)

  test('adds nothing to a chat of another', async () => {
    await begin('hers', 'hers1')
    const [userId, said] = ['mallory', { id: 'm1', message: user('overheard') }]
    const chat = { chatId: 'hers', userId, attachments: [], attachmentRoom: 0, now: 1 }
    const conversations = conversationStore(database, () => {})
    const added = await conversations.addMessages(chat, null, [said])
    expect(added).toBe('chat_not_found')
    expect([...conversations.children('hers', null)]).toHaveLength(1)
  })

  test('ends a run once: whoever ends it after that changes and counts nothing', async () => {
    const usage = { ...noUsage(), outputTokens: 7 }
    const spent = [{ ...usage, day: '2026-11-23', model: 'm' }]
    await begin('once', 'once1')
    await finish('once', 'once1', 'said', { usage, spent })
    await finish('once', 'once1', 'again', { usage, spent })
    expect(await store.state('once', 'once1', 'alice')).toMatchObject({ status: 'finished', usage })
    expect(usageStore(database).between('alice', '2026-11-23', '2026-11-23')).toEqual(spent)
  })

  test('keeps nothing of what somebody took who is gone', async () => {
    const spent = [{ ...noUsage(), outputTokens: 7, day: '2026-11-22', model: 'm' }]
    await usageStore(database).add('nobody', spent)
    expect(usageStore(database).between('nobody', '2026-11-22', '2026-11-22')).toEqual([])
  })

  test('finds the runs that a crash left open, with what is on record of them, and no others', async () => {
    await begin('done', 'done1')
    await finish('done', 'done1', 'said')
    await begin('crashed', 'crashed1')
    const said = [{ type: 'TEXT_MESSAGE_CONTENT' as const, of: 'a', text: 'half' }]
    expect(store.record([{ runId: 'crashed1', events: said }])).toBe(true)
    const open = await store.interruptedRuns()
    expect(open.find(({ runId }) => runId === 'crashed1')).toMatchObject({
      status: 'running',
      events: [{ type: 'RUN_STARTED' }, ...said],
    })
    expect(open.some(({ runId }) => runId === 'done1')).toBe(false)
  })
})

describe('POST /agent-chats, in a chat with a past', () => {
  let model: Awaited<ReturnType<typeof startModel>>
  let app: TestApp
  let alice: Awaited<ReturnType<TestApp['newUser']>>
  beforeAll(async () => {
    model = await startModel()
    app = await startApp({ ...model.environment('chat'), AGENT_CONTEXT_TOKENS: '1000' })
    alice = await app.newUser()
    model.says('I am Ann', { content: 'Hello Ann.' })
    model.says('what time', { toolCalls: [{ name: 'current_time', arguments: '{}' }] })
    model.concludes('what time', { content: 'It is late.' })
    // In the silence after them: of chunks that are cut while they are sent, anything may arrive.
    const recordedTimings = { ttftMs: 0, interChunkDelaysMs: [0, 0, 0, 60_000], totalDurationMs: 60_000 }
    model.says(
      'break off',
      { content: 'one two three four' },
      { chunkSize: 4, recordedTimings, disconnectAfterMs: 1000 },
    )
    model.says('', { content: 'Yes.' })
  })
  afterAll(async () => {
    await app.stop()
    await model.stop()
  })
  const send = (message: string, session_id?: string) =>
    app.as(alice)('POST', '/agent-chats', { message, session_id })
  const prompt = () =>
    model.lastPrompt().filter(({ role }) => role === 'user' || role === 'assistant' || role === 'tool')

  test('shows the model what was said before, tools included', async () => {
    const { session_id } = (await send('I am Ann')).body
    await send('what time', session_id)
    await send('and now?', session_id)
    const [call, result] = prompt().slice(3, 5)
    expect(call).toMatchObject({ role: 'assistant', tool_calls: [{ function: { name: 'current_time' } }] })
    expect(result).toMatchObject({ role: 'tool', tool_call_id: call?.tool_calls?.[0]?.id })
    expect(JSON.parse(String(result?.content))).toHaveProperty('utc')
    expect(prompt().map(({ role, content }) => (role === 'tool' ? role : content))).toEqual([
      'I am Ann',
      'Hello Ann.',
      'what time',
      null,
      'tool',
      'It is late.',
      'and now?',
    ])
  })

  test('keeps what a broken-off answer said', async () => {
    const failed = await send('break off')
    expect(failed.body.code).toBe('model_cut_off')
    const said = failed.body.events.map(({ delta }: { delta: string | null }) => delta ?? '').join('')
    expect(said).toStartWith('one ')
    await send('go on', failed.body.session_id)
    expect(prompt().map(({ content }) => content)).toEqual(['break off', said, 'go on'])
  })

  test('forgets the oldest turns beyond the budget, and keeps the rest', async () => {
    const long = 'x'.repeat(900)
    const { session_id } = (await send(`1 ${long}`)).body
    for (const n of [2, 3, 4]) await send(`${n} ${long}`, session_id)
    expect(prompt().map(({ content }) => String(content).slice(0, 4))).toEqual([
      '2 xx',
      'Yes.',
      '3 xx',
      'Yes.',
      '4 xx',
    ])
    // In bytes: a character of Chinese takes three.
    const chinese = (await send(`1${'字'.repeat(500)}`)).body.session_id
    await send(`2${'字'.repeat(500)}`, chinese)
    expect(prompt().map(({ content }) => String(content)[0])).toEqual(['2'])
    await send('y'.repeat(8000), session_id)
    expect(prompt().map(({ content }) => content)).toEqual(['y'.repeat(8000)])
  })

  test('remembers after a restart', async () => {
    const first = await startApp(model.environment('chat'))
    const bob = await first.newUser()
    const { session_id } = (await first.as(bob)('POST', '/agent-chats', { message: 'I am Ann' })).body
    await first.stop({ keep: true })
    const second = await startApp(model.environment('chat'), { dataDir: first.dataDir })
    const again = await second.as(bob)('POST', '/agent-chats', { message: 'who am I?', session_id })
    await second.stop()
    expect([again.status, again.body.output]).toEqual([200, 'Yes.'])
    expect(prompt().map(({ content }) => content)).toEqual(['I am Ann', 'Hello Ann.', 'who am I?'])
  })
})

describe('a kill in the middle of an answer', () => {
  test('loses no message that was taken, leaves no run open, and the chat goes on', async () => {
    const raw = startRawModel({
      'say half': async function* (signal) {
        yield word('half ')
        await new Promise(resolve => signal.addEventListener('abort', resolve))
      },
      'and now?': async function* () {
        yield word('whole') + end
      },
    })
    const env = { ...raw.environment, DATA_DIR: 'data', MAIL: 'log' }
    const first = await startExecutable({ env })
    const bob = await first.newUser()
    const reader = await openEventStream(first.url, bob.access_token, { message: 'say half' })
    const { session_id } = (await reader.next())!.event
    await reader.until('TEXT_MESSAGE_CONTENT')
    await first.kill()

    const file = () => new Sqlite(join(first.cwd, 'data/parley.db'))
    const runs = 'SELECT status, error_code AS code FROM runs ORDER BY id'
    expect(file().query(runs).all()).toEqual([{ status: 'running', code: null }])
    const second = await startExecutable({ env, cwd: first.cwd })
    expect(file().query(runs).all()).toEqual([{ status: 'failed', code: 'run_interrupted' }])
    const again = await second.as(bob)('POST', '/agent-chats', { message: 'and now?', session_id })
    await second.kill()
    await raw.stop()
    expect([again.status, again.body.output]).toEqual([200, 'whole'])
    const { messages } = raw.requests.at(-1)!.body as { messages: Array<{ content: string }> }
    expect(messages.slice(1).map(({ content }) => content)).toEqual(['say half', 'half ', 'and now?'])
  }, 60_000)
})

describe('the service', () => {
  /** For a database without a page to spare. */
  const tooLong = 'y'.repeat(8000)
  let database: Database
  let raw: ReturnType<typeof startRawModel>
  let runner: Runner
  let chats: AgentChats
  /** As many pages as the database has, and so many more. */
  const leaveRoomFor = (pages: number) => {
    const { page_count } = database.prepare<{ page_count: number }>('PRAGMA page_count').get()!
    database.prepare(`PRAGMA max_page_count = ${page_count + pages}`).run()
  }
  const eventsOf = ({ transcript }: Run) => transcript.events.map(({ type }) => type)
  beforeAll(async () => {
    raw = startRawModel({
      'be brief': async function* () {
        yield word('ok') + end
      },
      'fill the disk': async function* () {
        yield word('x'.repeat(200_000)) + end
      },
      [tooLong]: async function* (signal) {
        yield word('never kept')
        await new Promise(resolve => signal.addEventListener('abort', resolve))
      },
      'not so fast': async function* () {
        await Bun.sleep(100)
        yield word('ok') + end
      },
      'fill the disk\n\nbe brief': async function* () {
        yield word('ok') + end
      },
    })
    const folder = mkdtempSync(join(tmpdir(), 'parley-full-'))
    database = new Database(join(folder, 'parley.db'))
    await addAlice(database)
    const nobody = () => Promise.reject(new AppError('user_not_found'))
    const config = readConfig({ ...raw.environment, MAIL: 'log', AGENT_RUN_SECONDS: '1' })
    const people = { profile: nobody, find: nobody, change: nobody }
    const store = runStore(database)
    const attachments = attachmentStore(database)
    const models = new ModelChoice(config)
    const keeper = new RunKeeper(store, new Prompts(attachments, models, config), config, Date.now)
    const usage = new TokenUsage(usageStore(database), 0)
    const agent = async () => openAgent(config, { people, budget: usage, attachments, now: Date.now })
    runner = new Runner(keeper, store.record, agent, usage, config)
    chats = new AgentChats(store, runner, models, config, (_, id) => id)
  })
  afterAll(async () => {
    await runner.stop(0)
    database.close()
    await raw.stop()
  })

  test('lets nothing of a run go on behind its end', async () => {
    const run = await chats.send('alice', { content: 'be brief' })
    await run.ended
    await Bun.sleep(1100)
    expect([run.failure, run.signal.aborted]).toEqual([null, false])
  })

  test('fails a run whose answer a full disk cannot keep: it is not told as finished, and the next is taken', async () => {
    leaveRoomFor(10)
    const run = await chats.send('alice', { content: 'fill the disk' })
    await run.ended
    expect([run.failure?.code, eventsOf(run).at(-1)]).toEqual(['storage_unavailable', 'RUN_ERROR'])
    leaveRoomFor(1000)
    const next = await chats.send('alice', { content: 'be brief', chatId: run.chatId })
    await next.ended
    expect(next.failure).toBeNull()
    const runs = database.prepare('SELECT status FROM runs WHERE chat_id = ? ORDER BY id').all(run.chatId)
    expect(runs).toEqual([{ status: 'failed' }, { status: 'finished' }])
  })

  test('answers no message that a full disk cannot keep in line', async () => {
    const first = await chats.send('alice', { content: 'not so fast' })
    leaveRoomFor(0)
    const content = 'z'.repeat(8000)
    await expect(
      chats.send('alice', { content, chatId: first.chatId, onConflict: 'enqueue' }),
    ).rejects.toMatchObject({ code: 'storage_unavailable' })
    leaveRoomFor(1000)
    await first.ended
    const next = await chats.send('alice', {
      content: 'be brief',
      chatId: first.chatId,
      onConflict: 'enqueue',
    })
    await next.ended
    expect([first.failure, next.failure]).toEqual([null, null])
    expect(raw.requests.some(({ body }) => JSON.stringify(body).includes(content))).toBe(false)
  })

  test('takes no message that a full disk cannot keep, and gives its place back', async () => {
    leaveRoomFor(0)
    for (let n = 0; n < 10; n++)
      await expect(chats.send('alice', { content: tooLong })).rejects.toMatchObject({
        code: 'storage_unavailable',
      })
    // Where the model has been asked already, it is told that nobody listens.
    const asked = () => raw.requests.filter(({ body }) => JSON.stringify(body).includes(tooLong)).length
    while (raw.aborted.length < asked()) await Bun.sleep(5)
    leaveRoomFor(1000)
    const run = await chats.send('alice', { content: 'be brief' })
    await run.ended
    expect(run.failure).toBeNull()
  })
})
