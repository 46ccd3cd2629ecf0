import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { EventView } from '../../src/modules/agent-chats/schema.ts'
import { tools } from '../../src/modules/agent-chats/tools/index.ts'
import { startApp, type TestApp } from '../harness/app.ts'
import { openEventStream } from '../harness/event-stream.ts'
import { apis, startModel, startRawModel } from '../harness/model.ts'

type Person = Awaited<ReturnType<TestApp['newUser']>>

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

let model: Awaited<ReturnType<typeof startModel>>
let app: TestApp
let alice: Person
let bob: Person
beforeAll(async () => {
  model = await startModel()
  model.says('greet me', { content: 'Hello there, Alice! 你好 👋' }, { chunkSize: 4, latency: 100 })
  app = await startApp({ ...model.environment('chat'), AGENT_MAX_STEPS: '4' })
  alice = await app.newUser({ username: 'Alice' })
  bob = await app.newUser({ username: 'bob' })
})
afterAll(async () => {
  await app.stop()
  await model.stop()
})

const send = (body: unknown, headers = {}, who = alice) => app.as(who)('POST', '/agent-chats', body, headers)
const stream = (body: object, headers = {}, who = alice) =>
  openEventStream(app.url, who.access_token, body, headers)

const types = (events: EventView[]) => events.map(({ type }) => type)
const nothing = {
  message_id: null,
  delta: null,
  tool_name: null,
  result: null,
  output: null,
  error: null,
}

describe.each(apis)('POST /agent-chats, over the %s API', api => {
  let app: TestApp
  let alice: Person
  beforeAll(async () => {
    app = await startApp(model.environment(api))
    alice = await app.newUser()
  })
  afterAll(() => app.stop())

  test('answers with the output and the events when the run has ended', async () => {
    const answer = await app.as(alice)('POST', '/agent-chats', { message: 'greet me' })
    const { session_id, output, events } = answer.body
    expect([answer.status, output]).toEqual([200, 'Hello there, Alice! 你好 👋'])
    expect(session_id).toMatch(uuid)
    const { run_id } = events[0]
    const { message_id } = events[1]
    expect([run_id, message_id]).toEqual([expect.stringMatching(uuid), expect.stringMatching(uuid)])
    expect(events).toEqual([
      { ...nothing, type: 'RUN_STARTED', run_id, session_id },
      { ...nothing, type: 'TEXT_MESSAGE_START', run_id, message_id },
      { ...nothing, type: 'TEXT_MESSAGE_CONTENT', run_id, message_id, delta: output },
      { ...nothing, type: 'TEXT_MESSAGE_END', run_id, message_id },
      { ...nothing, type: 'RUN_FINISHED', run_id, output },
    ])
  })

  test('streams the same events, piece by piece, with Accept: text/event-stream', async () => {
    const { response, rest } = await openEventStream(app.url, alice.access_token, { message: 'greet me' })
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'content-language': 'en',
      vary: 'Accept, Accept-Language',
    })
    const arrived = await rest()
    const pieces = arrived.filter(({ event }) => event.type === 'TEXT_MESSAGE_CONTENT')
    expect(pieces.length).toBeGreaterThan(3)
    expect(pieces.map(({ event }) => event.delta).join('')).toBe('Hello there, Alice! 你好 👋')
    expect(types(arrived.map(({ event }) => event)).filter((type, n, all) => type !== all[n - 1])).toEqual([
      'RUN_STARTED',
      'TEXT_MESSAGE_START',
      'TEXT_MESSAGE_CONTENT',
      'TEXT_MESSAGE_END',
      'RUN_FINISHED',
    ])
    // The start, the message's start, its 25 characters, its end, the end.
    expect(arrived.at(-1)).toMatchObject({ id: 2 + 25 + 2, event: { output: 'Hello there, Alice! 你好 👋' } })
    const ids = arrived.map(({ id }) => Number(id))
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b))
  })

  test('uses a tool and goes on with its result', async () => {
    model.says('who am I', {
      content: 'Let me see.',
      toolCalls: [{ name: 'get_my_profile', arguments: '{}' }],
    })
    model.concludes('who am I', { content: 'You are in the book.' })
    const { body } = await app.as(alice)('POST', '/agent-chats', { message: 'who am I' })
    expect(types(body.events)).toEqual([
      'RUN_STARTED',
      'TEXT_MESSAGE_START',
      'TEXT_MESSAGE_CONTENT',
      'TEXT_MESSAGE_END',
      'TOOL_CALL_START',
      'TOOL_CALL_ARGS',
      'TOOL_CALL_END',
      'TOOL_CALL_RESULT',
      'TEXT_MESSAGE_START',
      'TEXT_MESSAGE_CONTENT',
      'TEXT_MESSAGE_END',
      'RUN_FINISHED',
    ])
    const [started, args, ended, result] = body.events.slice(4, 8)
    // A call belongs to the message before it in its step.
    expect(started).toMatchObject({ tool_name: 'get_my_profile', message_id: body.events[1].message_id })
    expect([args.tool_call_id, ended.tool_call_id, result.tool_call_id]).toEqual(
      Array(3).fill(started.tool_call_id),
    )
    expect(args).toMatchObject({ args: '{}', delta: null })
    expect(JSON.parse(result.result)).toEqual({
      id: alice.user.id,
      username: alice.username,
      avatar_url: null,
      bio: null,
    })
    expect(result.message_id).toMatch(uuid)
    expect(body.output).toBe('You are in the book.')
  })

  test('sends instructions and tools to its address', async () => {
    await app.as(alice)('POST', '/agent-chats', { message: 'greet me' })
    const request = model.requests().at(-1)
    expect(request?.path).toBe(api === 'chat' ? '/v1/chat/completions' : '/v1/responses')
    expect(model.lastPrompt()[0]).toMatchObject({ role: 'system', content: expect.stringContaining('tools') })
    expect(request?.body).toHaveProperty('tools.length', tools.length)
  })
})

describe('reasoning, which only the Responses API has words for', () => {
  let app: TestApp
  let alice: Person
  beforeAll(async () => {
    app = await startApp(model.environment('responses'))
    alice = await app.newUser()
  })
  afterAll(() => app.stop())

  test('tells what a model thinks as reasoning, apart from what it says', async () => {
    model.says('think hard', { content: 'Four.', reasoning: 'Two and two…' })
    const { body } = await app.as(alice)('POST', '/agent-chats', { message: 'think hard' })
    expect(body.events.map(({ type, reasoning, delta }: EventView) => [type, reasoning ?? delta])).toEqual([
      ['RUN_STARTED', null],
      ['REASONING_START', null],
      ['REASONING_MESSAGE_START', null],
      ['REASONING_MESSAGE_CONTENT', 'Two and two…'],
      ['REASONING_MESSAGE_END', null],
      ['REASONING_END', null],
      ['TEXT_MESSAGE_START', null],
      ['TEXT_MESSAGE_CONTENT', 'Four.'],
      ['TEXT_MESSAGE_END', null],
      ['RUN_FINISHED', null],
    ])
    expect(body.output).toBe('Four.')
  })
})

describe('a model that thinks before it calls a tool', () => {
  const line = (event: object) => `data: ${JSON.stringify(event)}\n\n`
  const thought = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'sealed' }
  const call = {
    type: 'function_call',
    id: 'fc_1',
    call_id: 'call_1',
    name: 'current_time',
    arguments: '{}',
    status: 'completed',
  }
  const response = { id: 'resp_1', created_at: 0, model: 'gpt-5-mini', service_tier: null }
  const usage = { input_tokens: 1, output_tokens: 1 }
  const raw = startRawModel(
    {
      'think, then look': async function* () {
        yield line({ type: 'response.created', response })
        if (raw.requests.length === 1)
          for (const [output_index, item] of [thought, call].entries()) {
            yield line({ type: 'response.output_item.added', output_index, item })
            yield line({ type: 'response.output_item.done', output_index, item })
          }
        yield line({ type: 'response.completed', response: { ...response, usage } })
      },
    },
    'responses',
  )
  afterAll(() => raw.stop())

  test('gets its thoughts back with the result, though nothing is kept at its provider', async () => {
    const app = await startApp({ ...raw.environment, AGENT_MODEL: 'gpt-5-mini' })
    const { status } = await app.as(await app.newUser())('POST', '/agent-chats', {
      message: 'think, then look',
    })
    await app.stop()
    expect(status).toBe(200)
    const [first, second] = raw.requests.map(({ body }) => body as { input: object[] })
    expect(first).toMatchObject({ store: false, include: ['reasoning.encrypted_content'] })
    expect(second?.input).toEqual([
      ...(first?.input ?? []),
      expect.objectContaining({ type: 'reasoning', encrypted_content: 'sealed' }),
      expect.objectContaining({ type: 'function_call', call_id: 'call_1', name: 'current_time' }),
      expect.objectContaining({ type: 'function_call_output', call_id: 'call_1' }),
    ])
  })
})

describe('the tools', () => {
  /** What a call of the tool gives, by its TOOL_CALL_RESULT. */
  let calls = 0
  async function call(name: string, args: object, headers = {}): Promise<EventView & { output: string }> {
    const message = `call number ${++calls};`
    model.says(message, { toolCalls: [{ name, arguments: JSON.stringify(args) }] })
    model.concludes(message, { content: 'So it is.' })
    const { status, body } = await send({ message }, headers)
    expect([status, body.output]).toEqual([200, 'So it is.'])
    return body.events.find(({ type }: EventView) => type === 'TOOL_CALL_RESULT')
  }

  test('current_time tells the time, in any time zone', async () => {
    const { utc, timezone } = JSON.parse((await call('current_time', {})).result!)
    expect([Math.abs(Date.parse(utc) - Date.now()) < 10_000, timezone]).toEqual([true, 'UTC'])
    const there = JSON.parse((await call('current_time', { timezone: 'Asia/Shanghai' })).result!)
    expect(Date.parse(`${there.local.replace(' ', 'T')}+08:00`)).toBe(
      Math.floor(Date.parse(there.utc) / 1000) * 1000,
    )
  })

  test('find_user finds a user by name, whatever its case', async () => {
    const { result } = await call('find_user', { username: 'BOB' })
    expect(JSON.parse(result!)).toEqual({ id: bob.user.id, username: 'bob', avatar_url: null, bio: null })
  })

  const failures: Array<[string, string, object, string]> = [
    ['an unknown user', 'find_user', { username: 'nobody_here' }, 'user_not_found'],
    ['an unknown time zone', 'current_time', { timezone: 'Mars/Olympus' }, 'invalid_tool_call'],
    ['arguments that do not fit', 'find_user', { name: 7 }, 'invalid_tool_call'],
    ['a tool that is none', 'delete_everything', {}, 'invalid_tool_call'],
  ]
  test.each(failures)('%s is an error on the result, and the run goes on', async (_, name, args, code) => {
    const result = await call(name, args)
    expect(result).toMatchObject({ result: null, code, tool_name: name })
    expect(result.error).toMatch(/^(There is no such user\.|The model's call of the tool was not valid\.)$/)
    // The model is told more.
    expect(model.lastPrompt().at(-1)).toMatchObject({ role: 'tool' })
  })

  test('the error of a tool is in the language of its reader', async () => {
    const { error } = await call('find_user', { username: 'nobody_here' }, { 'accept-language': 'zh' })
    expect(error).toBe('用户不存在')
  })

  test('several may be called at once, each with its result', async () => {
    const asked = ['Alice', 'bob', 'nobody_here']
    model.says('look up three', {
      toolCalls: asked.map(username => ({ name: 'find_user', arguments: JSON.stringify({ username }) })),
    })
    model.concludes('look up three', { content: 'Two of them.' })
    const { events } = (await send({ message: 'look up three' })).body
    const of = (type: string) => events.filter((event: EventView) => event.type === type)
    const ids = of('TOOL_CALL_START').map(({ tool_call_id }: EventView) => tool_call_id)
    expect(new Set(ids).size).toBe(3)
    const results = new Map(
      of('TOOL_CALL_RESULT').map((event: EventView) => [event.tool_call_id, event.result ?? event.code]),
    )
    expect(ids.map((id: string) => results.get(id))).toEqual([
      expect.stringContaining('"username":"Alice"'),
      expect.stringContaining('"username":"bob"'),
      'user_not_found',
    ])
  })

  test('a model that never stops calling them is stopped after AGENT_MAX_STEPS, the last without tools', async () => {
    const always = { toolCalls: [{ name: 'current_time', arguments: '{}' }] }
    model.says('round and round', always)
    model.concludes('round and round', always)
    const before = model.requests().length
    const { status, body } = await send({ message: 'round and round' })
    expect([status, body.events.at(-1).type]).toEqual([200, 'RUN_FINISHED'])
    const offered = model
      .requests()
      .slice(before)
      .map(({ body }) => (body as unknown as { tools?: object[] }).tools?.length ?? 0)
    expect(offered).toEqual([4, 4, 4, 0])
    // The calls of each step belong to a message of their own.
    const asking = body.events.filter(({ type }: EventView) => type === 'TOOL_CALL_START')
    expect(new Set(asking.map(({ message_id }: EventView) => message_id)).size).toBe(asking.length)
  })
})

describe('POST /agent-chats, asked wrongly', () => {
  const wrong: Array<[string, unknown, string[]]> = [
    ['no message', {}, ['/body/message']],
    ['an empty message', { message: '' }, ['/body/message']],
    ['a message of 8001 characters', { message: 'x'.repeat(8001) }, ['/body/message']],
    ['a message that is no text', { message: ['hi'] }, ['/body/message']],
    ['a session_id that is no UUID', { message: 'hi', session_id: 'my-chat' }, ['/body/session_id']],
    ['no JSON', '{', []],
  ]
  test.each(wrong)('answers 422 for %s, as a problem, whatever is accepted', async (_, body, pointers) => {
    for (const accept of ['application/json', 'text/event-stream']) {
      const answer = await send(body, { accept, 'content-type': 'application/json' })
      expect([answer.status, answer.headers.get('content-type')]).toEqual([422, 'application/problem+json'])
      expect((answer.body.errors ?? []).map(({ pointer }: { pointer: string }) => pointer)).toEqual(pointers)
    }
  })

  test('answers 401 without a token, before it looks at the body', async () => {
    for (const body of [{ message: 'hi' }, {}]) {
      const { status, headers } = await app.call('POST', '/agent-chats', body)
      expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    }
  })

  test('takes a message of 1 and of 8000 characters, a session_id of null, and members it does not know', async () => {
    model.says('x', { content: 'ok' })
    for (const message of ['x', 'x'.repeat(8000)])
      expect((await send({ message, session_id: null, mood: 'other' })).status).toBe(200)
  })

  test('takes any character there is, and gives it back', async () => {
    const message = 'echo \u0000 "\\ \u2028 👩‍👩‍👧'
    model.says('echo', { content: 'fine' })
    const { session_id } = (await send({ message })).body
    await send({ message: 'echo again', session_id })
    expect(model.lastPrompt().map(({ content }) => content)).toContain(message)
  })
})

describe('the wire is chosen by Accept', () => {
  const json = 'application/json'
  const events = 'text/event-stream'
  const table: Array<[string, string]> = [
    ['*/*', json],
    [json, json],
    [events, events],
    [`${json};q=0.5, ${events}`, events],
    [`${events};q=0.5, ${json}`, json],
    ['text/*', events],
    ['image/png', json],
    [`${events};q=0`, json],
  ]
  test.each(table)('%s: %s', async (accept, expected) => {
    const { headers } = await send({ message: 'greet me' }, { accept })
    expect(headers.get('content-type')).toStartWith(expected)
  })
})

describe('chat sessions', () => {
  test('an unknown session_id begins a chat with that id, in whatever case it is written', async () => {
    const session_id = crypto.randomUUID()
    expect((await send({ message: 'greet me', session_id: session_id.toUpperCase() })).body.session_id).toBe(
      session_id,
    )
    await send({ message: 'greet me', session_id })
    expect(model.lastPrompt().filter(({ role }) => role === 'user')).toHaveLength(2)
  })

  test("answers 404 for another's, and tells neither of them anything", async () => {
    const { session_id } = (await send({ message: 'greet me' })).body
    const before = model.requests().length
    for (const accept of ['application/json', 'text/event-stream']) {
      const answer = await send({ message: 'greet me', session_id }, { accept }, bob)
      expect([answer.status, answer.body.code]).toEqual([404, 'chat_not_found'])
    }
    expect(model.requests().length).toBe(before)
    await send({ message: 'greet me', session_id })
    expect(model.lastPrompt().filter(({ role }) => role === 'user')).toHaveLength(2)
  })

  test('gives a new id that two ask for at once to one of them', async () => {
    const session_id = crypto.randomUUID()
    const answers = await Promise.all(
      [alice, bob].map(who => send({ message: 'greet me', session_id }, {}, who)),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 404])
  })
})

describe('runs at once', () => {
  const slow = { latency: 30, chunkSize: 4 }
  beforeAll(() => model.says('take your time', { content: 'one two three four five six' }, slow))

  test('a chat answers one message at a time: 409, and the next is taken when the answer has ended', async () => {
    const first = await stream({ message: 'take your time' })
    const { event } = (await first.next())!
    const second = await send({ message: 'greet me', session_id: event.session_id })
    expect([second.status, second.body.code]).toEqual([409, 'run_in_progress'])
    await first.until('RUN_FINISHED')
    expect((await send({ message: 'greet me', session_id: event.session_id })).status).toBe(200)
  })

  test('of ten messages to a chat at once one is answered', async () => {
    const session_id = crypto.randomUUID()
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => send({ message: 'take your time', session_id })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(409)])
  })

  test('of ten chats of a user at once AGENT_MAX_RUNS are answered: 429, with Retry-After; others are free', async () => {
    const [others, ...answers] = await Promise.all([
      send({ message: 'greet me' }, {}, bob),
      ...Array.from({ length: 10 }, () => send({ message: 'take your time' })),
    ])
    expect(others.status).toBe(200)
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(3).fill(200), ...Array(7).fill(429)])
    const refused = answers.find(({ status }) => status === 429)!
    expect(refused.body).toMatchObject({ code: 'too_many_runs', detail: expect.stringContaining('3') })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await send({ message: 'greet me' })).status).toBe(200)
  })
})
