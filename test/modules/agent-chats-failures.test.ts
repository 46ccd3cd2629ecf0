import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { ErrorCode } from '../../src/errors.ts'
import type { EventView } from '../../src/modules/agent-chats/schema.ts'
import { startApp, type TestApp } from '../harness/app.ts'
import { openEventStream } from '../harness/event-stream.ts'
import { captureLog } from '../harness/log.ts'
import { apis, chunk, end, modelKey, speech, startModel, startRawModel, word } from '../harness/model.ts'
import { stopwatch } from '../harness/stopwatch.ts'

type Person = Awaited<ReturnType<TestApp['newUser']>>

/** What a model API says in its errors, and a person must never read. */
const secret = `The key ${modelKey} of org-secret is wrong, you wrote: `

let log: ReturnType<typeof captureLog>
beforeAll(() => {
  log = captureLog()
})
afterAll(() => log.stop())

const textOf = (events: EventView[]) => events.map(({ delta }) => delta ?? '').join('')

/** Sends the message in both wires, and checks what is true of every failure. */
async function fail(app: TestApp, who: Person, message: string) {
  const json = await app.as(who)('POST', '/agent-chats', { message })
  const { response, rest } = await openEventStream(app.url, who.access_token, { message })
  const streamed = (await rest()).map(({ event }) => event)
  const { code, detail, session_id, events } = json.body

  expect(json.headers.get('content-type')).toBe('application/problem+json')
  expect(response.status).toBe(200)
  expect(events[0]).toMatchObject({ type: 'RUN_STARTED', session_id })
  for (const all of [events, streamed]) {
    expect(all.at(-1)).toMatchObject({ type: 'RUN_ERROR', error: detail, code })
    for (const opened of ['TEXT_MESSAGE', 'TOOL_CALL'])
      expect(all.filter(({ type }: EventView) => type === `${opened}_START`).length).toBe(
        all.filter(({ type }: EventView) => type === `${opened}_END`).length,
      )
  }
  expect(textOf(streamed)).toBe(textOf(events))
  const seen = JSON.stringify([json.body, streamed, log.lines])
  for (const hidden of [modelKey, 'org-secret', message]) expect(seen).not.toContain(hidden)
  expect(log.lines.filter(line => line.includes(code)).length).toBeGreaterThanOrEqual(2)
  log.lines.length = 0
  return { status: json.status, code, retryAfter: json.headers.get('retry-after'), said: textOf(events) }
}

describe.each(apis)('a model API that refuses, over the %s API', api => {
  let model: Awaited<ReturnType<typeof startModel>>
  let app: TestApp
  let alice: Person
  beforeAll(async () => {
    model = await startModel()
    app = await startApp(model.environment(api))
    alice = await app.newUser()
  })
  afterAll(async () => {
    await app.stop()
    await model.stop()
  })

  const refusals: Array<[upstream: number, word: string | undefined, status: number, code: ErrorCode]> = [
    [402, undefined, 502, 'model_out_of_credit'],
    [403, 'model_not_found', 502, 'model_not_found'],
    [408, undefined, 504, 'model_timeout'],
    [413, undefined, 502, 'chat_too_long'],
    [422, undefined, 502, 'model_rejected_request'],
    [400, 'content_filter', 502, 'model_refused'],
    [400, 'exceed_context_size_error', 502, 'chat_too_long'],
    [502, undefined, 502, 'model_failed'],
    [529, undefined, 503, 'model_rate_limited'],
  ]
  test.each(refusals)('%d %p becomes %d %s', async (upstream, word, status, code) => {
    const message = `please fail with ${upstream} ${word}`
    model.says(message, {
      error: { message: secret + message, type: 'some_type', code: word },
      status: upstream,
    })
    expect(await fail(app, alice, message)).toMatchObject({ status, code, said: '' })
    // Nobody waits for retries.
    expect(model.requests().filter(({ body }) => JSON.stringify(body).includes(message))).toHaveLength(2)
  })

  test('that the chat is too long is understood without a word for it', async () => {
    const message = `${secret} maximum context length is 4096 tokens`
    model.says('wordless', { error: { message, type: 'BadRequestError' }, status: 400 })
    expect(await fail(app, alice, 'wordless')).toMatchObject({ status: 502, code: 'chat_too_long' })
  })

  test.each([
    ['rate_limit_exceeded', 503, 'model_rate_limited'],
    ['insufficient_quota', 502, 'model_out_of_credit'],
    ['context_length_exceeded', 502, 'chat_too_long'],
    ['constructor', 502, 'model_failed'],
  ])(
    'an error of the stream is told as its status would be: %s becomes %d %s',
    async (word, status, code) => {
      const { begin, word: says, error } = speech[api]
      const failure = error({ message: secret, type: 'some_type', code: word })
      const raw = startRawModel(
        {
          first: async function* () {
            yield failure
          },
          within: async function* () {
            yield begin + says('some ')
            yield failure
          },
        },
        api,
      )
      const other = await startApp(raw.environment)
      const bob = await other.newUser()
      for (const message of ['first', 'within'])
        expect(await fail(other, bob, message)).toMatchObject({ status, code })
      await other.stop()
      await raw.stop()
    },
  )

  test('the log names status and code, so that an operator can act', async () => {
    const error = { message: secret, type: 'invalid_request_error', code: 'context_length_exceeded' }
    model.says('much too long', { error, status: 400 })
    await app.as(alice)('POST', '/agent-chats', { message: 'much too long' })
    expect(log.lines.join()).toContain('AI_APICallError, status 400, context_length_exceeded')
    log.lines.length = 0
  })

  test('a connection cut in mid-answer becomes 502 model_cut_off, what was said is shown', async () => {
    const content = 'One two three four five.'
    // Six chunks at once, and the cut in the silence after them: of one that is cut while it is sent, anything may arrive.
    const recordedTimings = {
      ttftMs: 0,
      interChunkDelaysMs: [0, 0, 0, 0, 0, 60_000],
      totalDurationMs: 60_000,
    }
    model.says('cut me off', { content }, { chunkSize: 4, recordedTimings, disconnectAfterMs: 400 })
    const { status, code, said } = await fail(app, alice, 'cut me off')
    expect([status, code]).toEqual([502, 'model_cut_off'])
    expect([said.length > 3, said.length < content.length, content.startsWith(said)]).toEqual([
      true,
      true,
      true,
    ])
  })

  test('a tool call cut in two leaves no half of it to later messages', async () => {
    model.says('go on', { content: 'Gladly.' })
    const args = JSON.stringify({ username: 'a_very_long_username_of_30' })
    model.says(
      'cut the call',
      { content: '', toolCalls: [{ name: 'find_user', arguments: args }] },
      { latency: 15, chunkSize: 4, truncateAfterChunks: 10 },
    )
    const { body } = await app.as(alice)('POST', '/agent-chats', { message: 'cut the call' })
    expect(body.code).toBe('model_cut_off')
    const types = body.events.map(({ type }: EventView) => type)
    expect(types.filter((type: string) => type !== 'TOOL_CALL_ARGS')).toEqual([
      'RUN_STARTED',
      'TOOL_CALL_START',
      'TOOL_CALL_END',
      'RUN_ERROR',
    ])
    const next = await app.as(alice)('POST', '/agent-chats', {
      message: 'go on',
      session_id: body.session_id,
    })
    expect(next.body.output).toBe('Gladly.')
    expect(model.lastPrompt().filter(({ role, tool_calls }) => role === 'tool' || tool_calls)).toEqual([])
    log.lines.length = 0
  })
})

describe('a model API that breaks its own rules', () => {
  const raw = startRawModel({
    'nothing at all': async function* () {},
    'come back on a date': () =>
      new Response('{}', {
        status: 429,
        headers: { 'retry-after': new Date(Date.now() + 60_000).toUTCString() },
      }),
    'come back next week': () => new Response('{}', { status: 429, headers: { 'retry-after': '604800' } }),
    'without end': async function* () {
      for (;;) {
        yield word('x'.repeat(32 * 1024))
        await Bun.sleep(0)
      }
    },
    'a book in a word': async function* () {
      yield word('before ') + word('x'.repeat(5 * 1024 * 1024)) + end
    },
    'all at once': async function* () {
      const call = (index: number) => ({
        index,
        id: `call_${index}`,
        type: 'function',
        function: { name: 'get_my_profile', arguments: '{}' },
      })
      yield chunk({ tool_calls: Array.from({ length: 101 }, (_, index) => call(index)) }) +
        chunk({}, 'tool_calls')
    },
    'be good': async function* () {
      yield word('fine') + end
    },
    'nothing at all\n\nbe good': async function* () {
      yield word('finer') + end
    },
  })
  let app: TestApp
  let alice: Person
  beforeAll(async () => {
    app = await startApp(raw.environment)
    alice = await app.newUser()
  })
  afterAll(async () => {
    await app.stop()
    await raw.stop()
  })

  test('Retry-After is understood as a date, and bounded to an hour', async () => {
    // Not in both wires: the second may have passed in between.
    const { headers } = await app.as(alice)('POST', '/agent-chats', { message: 'come back on a date' })
    expect(Number(headers.get('retry-after'))).toBeWithin(55, 61)
    expect((await fail(app, alice, 'come back next week')).retryAfter).toBe('3600')
  })

  test('an answer that never ends is cut at 4 MiB, kept, and its connection closed', async () => {
    const { body } = await app.as(alice)('POST', '/agent-chats', { message: 'without end' })
    expect(body.code).toBe('answer_too_long')
    const said = textOf(body.events).length
    expect([said > 3 * 1024 * 1024, said <= 4 * 1024 * 1024]).toEqual([true, true])
    await raw.untilAborted('without end')
    log.lines.length = 0
  }, 60_000)

  test('a word of more than that is not taken at all', async () => {
    const { body } = await app.as(alice)('POST', '/agent-chats', { message: 'a book in a word' })
    expect([body.code, textOf(body.events)]).toEqual(['answer_too_long', 'before '])
    log.lines.length = 0
  })

  test('more than a hundred calls of tools end the run, and none is carried out', async () => {
    const { body } = await app.as(alice)('POST', '/agent-chats', { message: 'all at once' })
    expect(body.code).toBe('answer_too_long')
    const types = body.events.map(({ type }: EventView) => type)
    expect([
      types.filter((type: string) => type === 'TOOL_CALL_START').length,
      types.includes('TOOL_CALL_RESULT'),
    ]).toEqual([100, false])
    log.lines.length = 0
  })

  test('a model that calls a hundred tools, in however many steps, is stopped', async () => {
    const calls = (n: number) =>
      [...Array(n)]
        .map((_, index) => {
          const call = { name: 'current_time', arguments: '{}' }
          return chunk({ tool_calls: [{ index, id: crypto.randomUUID(), type: 'function', function: call }] })
        })
        .join('')
    const busy = startRawModel({
      'sixty, and sixty': async function* () {
        yield calls(60) + chunk({}, 'tool_calls') + end
      },
    })
    const other = await startApp(busy.environment)
    const bob = await other.newUser()
    const { status, body } = await other.as(bob)('POST', '/agent-chats', { message: 'sixty, and sixty' })
    await other.stop()
    await busy.stop()
    expect([status, body.code, busy.requests.length]).toEqual([502, 'answer_too_long', 2])
    const begun = body.events.filter(({ type }: EventView) => type === 'TOOL_CALL_START')
    expect(begun.length).toBe(100)
    log.lines.length = 0
  })

  test('the failed message and the one after it reach the model as one', async () => {
    const { body } = await app.as(alice)('POST', '/agent-chats', { message: 'nothing at all' })
    const again = { message: 'be good', session_id: body.session_id }
    expect((await app.as(alice)('POST', '/agent-chats', again)).body.output).toBe('finer')
    expect(raw.requests.at(-1)?.body.messages).toEqual([
      { role: 'system', content: expect.anything() },
      { role: 'user', content: 'nothing at all\n\nbe good' },
    ])
    log.lines.length = 0
  })

  test('the key is sent where there is one, and nothing where there is none', async () => {
    await app.as(alice)('POST', '/agent-chats', { message: 'be good' })
    expect(raw.requests.at(-1)?.headers.get('authorization')).toBe(`Bearer ${modelKey}`)
    const open = await startApp({ ...raw.environment, OPENAI_API_KEY: '' })
    const { body } = await open.as(await open.newUser())('POST', '/agent-chats', { message: 'be good' })
    expect(body.output).toBe('fine')
    expect(raw.requests.at(-1)?.headers.has('authorization')).toBe(false)
    await open.stop()
  })

  test('the Responses API is asked not to keep the chat; Chat Completions is not asked what it may not know', async () => {
    await app.as(alice)('POST', '/agent-chats', { message: 'be good' })
    expect(raw.requests.at(-1)?.body).not.toHaveProperty('store')
    const responses = await startApp({ ...raw.environment, OPENAI_API: 'responses' })
    await responses.as(await responses.newUser())('POST', '/agent-chats', { message: 'be good' })
    expect(raw.requests.at(-1)?.body).toMatchObject({ store: false, stream: true })
    await responses.stop()
    log.lines.length = 0
  })
})

describe('the time limits', () => {
  const raw = startRawModel({
    'think for ever': async function* (signal) {
      yield ': thinking\n\n'
      await ended(signal)
    },
    'fall silent': async function* (signal) {
      yield word('some ')
      await ended(signal)
    },
    'talk for ever': async function* () {
      for (;;) {
        yield word('on ')
        await Bun.sleep(100)
      }
    },
  })
  let app: TestApp
  let alice: Person
  beforeAll(async () => {
    const limits = { AGENT_FIRST_TOKEN_SECONDS: '1', AGENT_SILENCE_SECONDS: '1', AGENT_RUN_SECONDS: '2' }
    app = await startApp({ ...raw.environment, ...limits })
    alice = await app.newUser()
  })
  afterAll(async () => {
    await app.stop()
    await raw.stop()
  })

  const limits: Array<[message: string, code: ErrorCode, said: RegExp, seconds: number]> = [
    ['think for ever', 'model_timeout', /^$/, 1],
    ['fall silent', 'model_timeout', /^some $/, 1],
    ['talk for ever', 'run_timeout', /^(on ){10,}$/, 2],
  ]
  test.each(limits)('%s: 504 %s, and the connection is closed', async (message, code, said, seconds) => {
    const start = performance.now()
    const took = stopwatch()
    const answer = await app.as(alice)('POST', '/agent-chats', { message })
    expect((performance.now() - start) / 1000).toBeGreaterThan(seconds - 0.5)
    expect(took() / 1000).toBeLessThan(seconds + 0.5)
    expect([answer.status, answer.body.code]).toEqual([504, code])
    expect(textOf(answer.body.events)).toMatch(said)
    await raw.untilAborted(message)
    log.lines.length = 0
  })
})

const ended = (signal: AbortSignal) =>
  new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
