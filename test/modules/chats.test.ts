import { Database as Sqlite } from 'bun:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import fc from 'fast-check'
import type { MessageView } from '../../src/modules/agent-chats/chat-schema.ts'
import type { EventView } from '../../src/modules/agent-chats/schema.ts'
import { startApp, type TestApp } from '../harness/app.ts'
import { openEventStream } from '../harness/event-stream.ts'
import { startExecutable, tidy } from '../harness/executable.ts'
import { heldAnswers } from '../harness/held-answers.ts'
import { end, startModel, startRawModel, word } from '../harness/model.ts'

type Person = Awaited<ReturnType<TestApp['newUser']>>

const { slowly, letGo } = heldAnswers()

const answer = (said: string | null) =>
  async function* () {
    yield said ?? word(`answer ${++answers}`) + end
  }

let raw: ReturnType<typeof startRawModel>
let app: TestApp
let alice: Person
let mallory: Person
let answers = 0
beforeAll(async () => {
  raw = startRawModel(asked =>
    asked === 'slowly' ? slowly(asked) : answer(asked === 'break off' ? word('half ') : null),
  )
  app = await startApp({ ...raw.environment, AGENT_MAX_RUNS: '50' })
  alice = await app.newUser()
  mallory = await app.newUser()
})
afterAll(async () => {
  await app.stop()
  await raw.stop()
  await tidy()
})

const ask = (method: string, path: string, body?: object, who = alice) =>
  app.as(who)(method, `/agent-chats${path}`, body)
/** Sends a message, and waits for its answer; the chat's id. */
const say = async (message: string, more: object = {}, who = alice): Promise<string> => {
  const { status, body } = await ask('POST', '', { message, ...more }, who)
  expect(status).toBe(200)
  return body.session_id
}
const begin = async (body: object) => {
  const reader = await openEventStream(app.url, alice.access_token, body)
  const { event } = await reader.until('RUN_STARTED')
  await reader.until('TEXT_MESSAGE_CONTENT')
  return { reader, session: event.session_id!, run: event.run_id! }
}
const messagesOf = async (session: string, query = ''): Promise<MessageView[]> =>
  (await ask('GET', `/${session}/messages${query}`)).body.messages
const contents = (messages: MessageView[]) => messages.map(({ content }) => content)

describe('GET /agent-chats', () => {
  test('lists my chats, the one in which something was said last first, and nobody else’s', async () => {
    const bob = await app.newUser()
    const first = await say('one', {}, bob)
    const second = await say('two', {}, bob)
    const ids = async () =>
      (await ask('GET', '', undefined, bob)).body.chats.map(({ id }: { id: string }) => id)
    expect(await ids()).toEqual([second, first])
    await say('more', { session_id: first }, bob)
    expect(await ids()).toEqual([first, second])
    const eve = await app.newUser()
    expect((await ask('GET', '', undefined, eve)).body).toEqual({ chats: [], next_cursor: null })
  })

  test('gives twenty where nothing is said, and up to a hundred', async () => {
    const carol = await app.newUser()
    await Promise.all([...Array(25)].map(() => say('hello', {}, carol)))
    const length = async (query: string) => (await ask('GET', query, undefined, carol)).body.chats.length
    expect([await length(''), await length('?limit=100'), await length('?limit=1')]).toEqual([20, 25, 1])
  })

  test('by its cursors gives every chat once, whatever the pages’ sizes, while new ones arrive', async () => {
    const dave = await app.newUser()
    const before = await Promise.all([...Array(20)].map(() => say('hello', {}, dave)))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), async limits => {
        const seen: string[] = []
        let query = ''
        for (let n = 0; ; n++) {
          const { body } = await ask('GET', `?limit=${limits[n % limits.length]}${query}`, undefined, dave)
          seen.push(...body.chats.map(({ id }: { id: string }) => id))
          if (!body.next_cursor) break
          query = `&cursor=${body.next_cursor}`
          await say('new', {}, dave)
        }
        expect(seen.filter(id => before.includes(id)).sort()).toEqual(before.toSorted())
        expect(new Set(seen).size).toBe(seen.length)
      }),
      { numRuns: 15 },
    )
  }, 180_000)

  test.each(['limit=0', 'limit=101', 'limit=x', 'limit=', 'limit=1.5', 'limit=-1', 'cursor=', 'cursor=x'])(
    'with %s is 422 that points at it',
    async query => {
      const { status, body } = await ask('GET', `?${query}`)
      expect([status, body.code, body.errors[0].pointer]).toEqual([
        422,
        'invalid_request',
        `/query/${query.split('=')[0]}`,
      ])
    },
  )

  test('takes no cursor that it did not give to this person for this list', async () => {
    const session = await say('one')
    await say('two')
    const cursor: string = (await ask('GET', '?limit=1')).body.next_cursor
    const of = async (path: string, value: string, who = alice) =>
      (await ask('GET', `${path}?cursor=${value}`, undefined, who)).status
    expect(await of('', cursor)).toBe(200)
    expect([await of('', cursor, mallory), await of(`/${session}/messages`, cursor)]).toEqual([422, 422])
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    await fc.assert(
      fc.asyncProperty(fc.nat(cursor.length - 1), fc.constantFrom(...alphabet), async (at, letter) => {
        fc.pre(cursor[at] !== letter)
        expect(await of('', cursor.slice(0, at) + letter + cursor.slice(at + 1))).toBe(422)
      }),
    )
    // Other ways to write the same bytes.
    const last = [...alphabet].filter(letter => letter !== cursor.at(-1))
    for (const same of [`${cursor}=`, `${cursor}!`, ...last.map(letter => cursor.slice(0, -1) + letter)])
      expect(await of('', same)).toBe(422)
  })
})

describe('GET /agent-chats/{session_id}', () => {
  test('says how the chat stands, and what runs in it', async () => {
    const { reader, session, run } = await begin({ message: 'slowly', message_id: 'asked-slowly' })
    const { status, body } = await ask('GET', `/${session.toUpperCase()}`)
    expect([status, body]).toEqual([
      200,
      {
        id: session,
        title: body.title,
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        updated_at: body.created_at,
        head_message_id: 'asked-slowly',
        run: { id: run, status: 'running' },
      },
    ])
    const queued = await openEventStream(app.url, alice.access_token, {
      message: 'next',
      session_id: session,
      on_conflict: 'enqueue',
    })
    expect((await ask('GET', `/${session}`)).body.run).toEqual({ id: run, status: 'running' })
    await letGo('slowly')
    await reader.rest()
    await queued.rest()
    const after = (await ask('GET', `/${session}`)).body
    expect([after.run, after.head_message_id]).toEqual([null, (await messagesOf(session))[0]!.id])
    expect(after.updated_at > after.created_at).toBe(true)
  })
})

describe('GET /agent-chats/{session_id}/messages', () => {
  test('reads the path from its end, in pages that stay as they are while more is said', async () => {
    const session = await say('q1')
    await say('q2', { session_id: session })
    const all = await messagesOf(session)
    expect(all.map(({ role }) => role)).toEqual(['assistant', 'user', 'assistant', 'user'])
    expect([all[1]!.content, all[3]!.content]).toEqual(['q2', 'q1'])
    expect(all.map(({ parent_id }) => parent_id)).toEqual([all[1]!.id, all[2]!.id, all[3]!.id, null])
    for (const limit of [1, 2, 3, 4]) {
      const seen: MessageView[] = []
      let query = ''
      for (;;) {
        const { body } = await ask('GET', `/${session}/messages?limit=${limit}${query}`)
        seen.push(...body.messages)
        if (seen.length === limit && limit < 4) await say('more', { session_id: session })
        if (!body.next_cursor) break
        query = `&cursor=${body.next_cursor}`
      }
      expect(seen.slice(-4)).toEqual(all)
      expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length)
    }
  })

  test('lists former answers and edited messages as siblings, and shows the path through any of them', async () => {
    const session = await say('q1', { message_id: 'q1' })
    await say('q2', { session_id: session })
    const [, , first] = await messagesOf(session)
    await ask('POST', `/${session}/regenerate`, { message_id: 'q1' })
    await ask('POST', `/${session}/regenerate`, { message_id: 'q1' })
    await say('edited', { session_id: session, replaces: 'q1' })
    const [answer, edited] = await messagesOf(session)
    expect([edited!.content, edited!.version, edited!.siblings]).toEqual(['edited', 2, ['q1']])

    const through = await messagesOf(session, '?through=q1')
    const [third] = through
    expect(through.map(({ role }) => role)).toEqual(['assistant', 'user'])
    expect([third!.version, third!.siblings.length, third!.siblings[0]]).toEqual([3, 2, first!.id])
    const former = await messagesOf(session, `?through=${first!.id}`)
    expect(contents(former).filter(content => content.startsWith('q'))).toEqual(['q2', 'q1'])
    expect(former[2]!.siblings).toEqual([third!.siblings[1]!, third!.id])
    const [answerAgain] = await messagesOf(session, `?through=${edited!.id}`)
    expect(answerAgain).toEqual(answer!)
  })

  test('through a message that the chat does not have is 404', async () => {
    const session = await say('q1', { message_id: 'here' })
    const other = await say('q1', { message_id: 'there' })
    const of = async (through: string) => {
      const { status, body } = await ask('GET', `/${session}/messages?through=${through}`)
      return [status, body.code]
    }
    expect(await of('there')).toEqual([404, 'message_not_found'])
    expect(await of(other)).toEqual([404, 'message_not_found'])
    expect(await of('a b')).toEqual([422, 'invalid_request'])
  })
})

describe('PATCH /agent-chats/{session_id}', () => {
  test('renames the chat, which is no activity in it', async () => {
    const session = await say('q1')
    await say('q2')
    const before = (await ask('GET', `/${session}`)).body
    const { status, body } = await ask('PATCH', `/${session}`, { title: ' 关于时间 ' })
    expect([status, body]).toEqual([200, { ...before, title: '关于时间' }])
    expect((await ask('PATCH', `/${session}`, {})).body).toEqual(body)
    expect((await ask('GET', `/${session}`)).body).toEqual(body)
    expect((await ask('GET', '?limit=1')).body.chats[0].id).not.toBe(session)
  })

  test.each([{ title: '' }, { title: '  ' }, { title: 'x'.repeat(201) }, { title: 5 }, { title: null }])(
    '%j is 422 that points at the title, and changes nothing',
    async change => {
      const session = await say('q1')
      const before = (await ask('GET', `/${session}`)).body
      const { status, body } = await ask('PATCH', `/${session}`, change)
      expect([status, body.errors[0].pointer]).toEqual([422, '/body/title'])
      expect((await ask('GET', `/${session}`)).body).toEqual(before)
    },
  )

  test('goes on from another answer: the model sees that path, to its newest end', async () => {
    const session = await say('q1', { message_id: 'q1' })
    await say('q2', { session_id: session })
    const before = contents(await messagesOf(session))
    const firstAnswer = (await messagesOf(session))[2]!
    await ask('POST', `/${session}/regenerate`, { message_id: 'q1' })
    const { status, body } = await ask('PATCH', `/${session}`, { head_message_id: firstAnswer.id })
    expect([status, body.head_message_id]).toEqual([200, (await messagesOf(session))[0]!.id])
    expect(contents(await messagesOf(session))).toEqual(before)
    await say('q3', { session_id: session })
    const sent = raw.requests.at(-1)!.body.messages as Array<{ content: string }>
    expect(sent.slice(1).map(({ content }) => content)).toEqual([...before.toReversed(), 'q3'])
  })

  test('stays on the path while something runs there, and changes nothing then', async () => {
    const session = await say('q1', { message_id: 'q1' })
    await ask('POST', `/${session}/regenerate`, {})
    const { reader } = await begin({ message: 'slowly', session_id: session })
    const both = await ask('PATCH', `/${session}`, { head_message_id: 'q1', title: 'both' })
    expect([both.status, both.body.code]).toEqual([409, 'run_in_progress'])
    const { title } = (await ask('GET', `/${session}`)).body
    expect(title).not.toBe('both')
    expect((await ask('PATCH', `/${session}`, { title: 'meanwhile' })).status).toBe(200)
    await letGo('slowly')
    await reader.rest()
    expect((await ask('PATCH', `/${session}`, { head_message_id: 'q1' })).status).toBe(200)
  })

  test('is never lost to a message that begins at the same moment', async () => {
    const session = await say('q1', { message_id: 'q1' })
    await ask('POST', `/${session}/regenerate`, {})
    const [second] = await messagesOf(session)
    const first = { id: second!.siblings[0]! }
    for (let n = 0; n < 20; n++) {
      const to = n % 2 === 0 ? first : second!
      const [patched, sent] = await Promise.all([
        ask('PATCH', `/${session}`, { head_message_id: to.id }),
        ask('POST', '', { message: 'more', session_id: session }),
      ])
      expect([200, 409]).toContain(patched.status)
      expect([200, 409]).toContain(sent.status)
      if (patched.status === 200 && sent.status === 200)
        expect((await messagesOf(session, '?limit=100')).map(({ id }) => id)).toContain(to.id)
    }
  })

  test('through a message that the chat does not have is 404, and changes nothing', async () => {
    const session = await say('q1')
    const before = (await ask('GET', `/${session}`)).body
    const { status, body } = await ask('PATCH', `/${session}`, { head_message_id: 'nowhere', title: 'x' })
    expect([status, body.code]).toEqual([404, 'message_not_found'])
    expect((await ask('GET', `/${session}`)).body).toEqual(before)
  })
})

describe('DELETE /agent-chats/{session_id}', () => {
  test('removes the chat and all that was said in it', async () => {
    const session = await say('secret')
    await ask('POST', `/${session}/regenerate`, {})
    expect((await ask('DELETE', `/${session}`)).status).toBe(204)
    expect((await ask('DELETE', `/${session}`)).status).toBe(404)
    for (const path of ['', '/messages']) expect((await ask('GET', `/${session}${path}`)).status).toBe(404)
    expect(leftOf(session)).toEqual([])
    await say('anew', { session_id: session })
    expect((await messagesOf(session)).map(({ role }) => role)).toEqual(['assistant', 'user'])
  })

  test('stops what runs and waits in line in it, and leaves nothing on record', async () => {
    // What is on record of one run ends only with that of those before it.
    const before = await begin({ message: 'slowly' })
    const { reader, session } = await begin({ message: 'slowly' })
    const more = { message: 'next', session_id: session, on_conflict: 'enqueue' }
    const queued = await openEventStream(app.url, alice.access_token, more)
    const stopped = raw.aborted.length
    expect((await ask('DELETE', `/${session}`)).status).toBe(204)
    expect((await reader.rest()).at(-1)!.event.code).toBe('run_cancelled')
    expect((await queued.rest()).at(-1)!.event.code).toBe('run_cancelled')
    while (raw.aborted.length === stopped) await Bun.sleep(1)
    expect((await ask('GET', `/${session}`)).status).toBe(404)
    expect(leftOf(session)).toEqual([])
    await ask('DELETE', `/${before.session}`)
  })

  test('leaves other chats as they are', async () => {
    const [gone, stays] = [await say('q1'), await say('q1')]
    const before = await messagesOf(stays)
    await ask('DELETE', `/${gone}`)
    expect(await messagesOf(stays)).toEqual(before)
  })
})

/** The tables that still know the chat. */
function leftOf(session: string): string[] {
  const file = new Sqlite(join(app.dataDir, 'parley.db'))
  const tables = {
    chats: 'id',
    messages: 'chat_id',
    runs: 'chat_id',
    transcripts: 'chat_id',
    idempotency_keys: 'chat_id',
  }
  const left = Object.entries(tables).filter(([table, column]) =>
    file.query(`SELECT 1 FROM ${table} WHERE ${column} = ?`).get(session),
  )
  const record = file.query('SELECT 1 FROM run_record WHERE run_id NOT IN (SELECT id FROM runs)').all()
  return [...left.map(([table]) => table), ...(record.length > 0 ? ['run_record'] : [])]
}

describe("another's chat, and one that is not there", () => {
  const routes: Array<[method: string, path: string, body: object | undefined]> = [
    ['GET', '', undefined],
    ['GET', '/messages', undefined],
    ['PATCH', '', { title: 'mine' }],
    ['PATCH', '', { head_message_id: 'hers' }],
    ['DELETE', '', undefined],
  ]
  test.each(routes)('are 404 to %s %s %j, and stay as they are', async (method, path, body) => {
    const session = await say('hers', { message_id: 'hers' })
    const before = [(await ask('GET', `/${session}`)).body, await messagesOf(session)]
    for (const id of [session, crypto.randomUUID()]) {
      const answer = await ask(method, `/${id}${path}`, body, mallory)
      expect([answer.status, answer.body.code]).toEqual([404, 'chat_not_found'])
    }
    expect([(await ask('GET', `/${session}`)).body, await messagesOf(session)]).toEqual(before)
    expect((await app.call(method, `/agent-chats/${session}${path}`, body)).status).toBe(401)
    const malformed = await ask(method, `/x${path}`, body)
    expect([malformed.status, malformed.body.errors[0].pointer]).toEqual([422, '/params/session_id'])
  })
})

/** What the events of a run tell, as the messages of its chat should have it. */
function toldBy(events: EventView[]): Array<Pick<MessageView, 'id' | 'role' | 'content'>> {
  const told = new Map<string, { id: string; role: MessageView['role']; content: string; calls: string }>()
  const roles: Record<string, MessageView['role']> = {
    TEXT_MESSAGE_START: 'assistant',
    TOOL_CALL_START: 'assistant',
    REASONING_START: 'reasoning',
    TOOL_CALL_RESULT: 'tool',
  }
  for (const { type, message_id: id, delta, reasoning } of events) {
    const role = roles[type]
    if (role && id && !told.has(id)) told.set(id, { id, role, content: '', calls: '' })
    if (id && told.has(id)) told.get(id)!.content += delta ?? reasoning ?? ''
  }
  return [...told.values()].map(({ id, role, content }) => ({ id, role, content }))
}
const heardAs = ({ id, role, content }: MessageView) => ({ id, role, content })

describe('what the stream told is what the history has, under the same ids', () => {
  let model: Awaited<ReturnType<typeof startModel>>
  let app: TestApp
  let carol: Person
  beforeAll(async () => {
    model = await startModel()
    model.says('think', { content: 'Four.', reasoning: 'Two and two…' })
    model.says('time', { toolCalls: [{ name: 'current_time', arguments: '{"timezone":"Asia/Shanghai"}' }] })
    model.concludes('time', { content: 'It is late.' })
    model.says('nobody', { toolCalls: [{ name: 'find_user', arguments: '{"username":"nobody_here"}' }] })
    model.concludes('nobody', { content: 'There is nobody.' })
    model.says('', { content: 'Yes.' })
    app = await startApp(model.environment('responses'))
    carol = await app.newUser()
  })
  afterAll(async () => {
    await app.stop()
    await model.stop()
  })
  const history = async (session: string): Promise<MessageView[]> =>
    (await app.as(carol)('GET', `/agent-chats/${session}/messages`)).body.messages.toReversed()
  const run = async (body: object, path = '') => {
    const { body: answer } = await app.as(carol)('POST', `/agent-chats${path}`, body)
    return { events: answer.events as EventView[], session: answer.session_id as string }
  }

  test.each(['hello', 'think', 'time', 'nobody'])('%s', async message => {
    const { events, session } = await run({ message, message_id: 'my-own' })
    const [mine, ...rest] = await history(session)
    expect(mine).toMatchObject({ id: 'my-own', role: 'user', content: message, parent_id: null })
    expect(rest.map(heardAs)).toEqual(toldBy(events))
    const { run_id } = events[0]!
    for (const each of [mine!, ...rest])
      expect([each.run_id, each.run_status, each.run_error]).toEqual([run_id!, 'finished', null])

    const again = await run({}, `/${session}/regenerate`)
    const [question, ...newer] = await history(session)
    expect(question!.id).toBe('my-own')
    expect(newer.map(heardAs)).toEqual(toldBy(again.events))
    expect(newer[0]!.siblings).toEqual([rest[0]!.id])
  })

  test('a tool’s call, its result and its failure', async () => {
    const { events, session } = await run({ message: 'time' })
    const [, asking, result] = await history(session)
    const told = events.find(({ type }) => type === 'TOOL_CALL_RESULT')!
    expect(asking!.tool_calls).toEqual([
      { id: told.tool_call_id!, name: 'current_time', args: '{"timezone":"Asia/Shanghai"}' },
    ])
    const { tool_call_id, tool_name, result: gave, error } = result!
    expect([tool_call_id, tool_name, gave, error]).toEqual([
      told.tool_call_id!,
      told.tool_name,
      told.result,
      null,
    ])

    const failing = await run({ message: 'nobody' })
    const [, , failed] = await history(failing.session)
    expect([failed!.result, failed!.error]).toEqual([
      null,
      { code: 'user_not_found', detail: 'There is no such user.' },
    ])
  })
})

test('an answer that the model broke off is in the history as far as it came, with the reason', async () => {
  const failed = await ask('POST', '', { message: 'break off' })
  const [partial] = await messagesOf(failed.body.session_id)
  expect([heardAs(partial!)]).toEqual(toldBy(failed.body.events))
  expect([partial!.content, partial!.run_status, partial!.run_error!.code]).toEqual([
    'half ',
    'failed',
    'model_cut_off',
  ])
})

test('a stopped answer is in the history as far as it came, under the ids that were told', async () => {
  const { reader, session, run } = await begin({ message: 'slowly' })
  await ask('POST', `/${session}/runs/${run}/cancel`)
  await reader.rest()
  const replay = await openReplay(app.url, alice, session, run)
  const [partial] = await messagesOf(session)
  expect([heardAs(partial!)]).toEqual(toldBy(replay))
  expect([partial!.content, partial!.run_status, partial!.run_error!.code]).toEqual([
    'first ',
    'cancelled',
    'run_cancelled',
  ])
})

test('after a kill the history has what was heard, under the ids that were told', async () => {
  const env = { ...raw.environment, DATA_DIR: 'data', MAIL: 'log' }
  const first = await startExecutable({ env })
  const bob = await first.newUser()
  const reader = await openEventStream(first.url, bob.access_token, { message: 'slowly', message_id: 'mine' })
  const started = (await reader.until('RUN_STARTED')).event
  const { event } = await reader.until('TEXT_MESSAGE_CONTENT')
  await first.kill()
  const second = await startExecutable({ env, cwd: first.cwd })
  const { body } = await second.as(bob)('GET', `/agent-chats/${started.session_id}/messages`)
  await second.kill()
  const [partial, mine] = body.messages as MessageView[]
  expect(heardAs(mine!)).toEqual({ id: 'mine', role: 'user', content: 'slowly' })
  expect(heardAs(partial!)).toEqual({ id: event.message_id!, role: 'assistant', content: 'first ' })
  expect([partial!.run_status, partial!.run_error!.code]).toEqual(['failed', 'run_interrupted'])
}, 60_000)

async function openReplay(url: string, { access_token }: Person, session: string, run: string) {
  const headers = { authorization: `Bearer ${access_token}` }
  const response = await fetch(`${url}/api/v1/agent-chats/${session}/runs/${run}/events`, { headers })
  return [...(await response.text()).matchAll(/^data: (.+)$/gm)].map(
    ([, json]) => JSON.parse(json!) as EventView,
  )
}
