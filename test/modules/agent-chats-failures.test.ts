import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { ErrorCode } from '../../src/errors.ts'
import type { EventView } from '../../src/modules/agent-chats/schema.ts'
import { startApp, type TestApp } from '../harness/app.ts'
import { openEventStream } from '../harness/event-stream.ts'
import { captureLog } from '../harness/log.ts'
import { apis, chunk, end, modelKey, startModel, startRawModel, word } from '../harness/model.ts'

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

  const refusals: Array<[upstream: number, status: number, code: ErrorCode, retryAfter: string | null]> = [
    [400, 502, 'model_failed', null],
    [401, 502, 'model_rejected_key', null],
    [403, 502, 'model_rejected_key', null],
    [404, 502, 'model_rejected_key', null],
    [429, 503, 'model_rate_limited', '7'],
    [500, 502, 'model_failed', null],
    [503, 503, 'model_rate_limited', '10'],
    [504, 504, 'model_timeout', null],
  ]
  test.each(refusals)('%d becomes %d %s', async (upstream, status, code, retryAfter) => {
    const message = `please fail with ${upstream}`
    model.says(message, {
      error: { message: secret + message, type: 'some_type', code: 'some_code' },
      status: upstream,
      retryAfter: 7,
    })
    const start = performance.now()
    expect(await fail(app, alice, message)).toEqual({ status, code, retryAfter, said: '' })
    // Nobody waits for retries.
    expect(performance.now() - start).toBeLessThan(2000)
    expect(model.requests().filter(({ response }) => response.status === upstream)).toHaveLength(2)
  })

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
    'stream without an end': async function* () {
      yield word('some ')
      yield word('words')
    },
    'nothing at all': async function* () {},
    'an error in mid-stream': async function* () {
      yield word('some ')
      yield `data: ${JSON.stringify({ error: { message: secret, type: 'server_error', code: null } })}\n\n`
    },
    'an error for a start': async function* () {
      yield `data: ${JSON.stringify({ error: { message: secret, type: 'server_error', code: null } })}\n\n`
    },
    'broken JSON': async function* () {
      yield word('some ')
      yield `data: {"${secret}\n\n`
    },
    'no stream but a page': () =>
      new Response(`<h1>${secret}</h1>`, { headers: { 'content-type': 'text/html' } }),
    'a refusal that is a page': () => new Response(secret, { status: 502 }),
    'too long for the model': async function* () {
      yield word('some ')
      yield chunk({}, 'length')
    },
    'not to be said': async function* () {
      yield word('some ')
      yield chunk({}, 'content_filter')
    },
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

  const faults: Array<[message: string, status: number, code: ErrorCode, said: string]> = [
    ['stream without an end', 502, 'model_cut_off', 'some words'],
    ['nothing at all', 502, 'model_cut_off', ''],
    ['an error in mid-stream', 502, 'model_failed', 'some '],
    ['an error for a start', 502, 'model_failed', ''],
    ['broken JSON', 502, 'model_failed', 'some '],
    ['no stream but a page', 502, 'model_cut_off', ''],
    ['a refusal that is a page', 502, 'model_failed', ''],
    ['too long for the model', 502, 'answer_too_long', 'some '],
    ['not to be said', 502, 'model_refused', 'some '],
  ]
  test.each(faults)('%s becomes %d %s', async (message, status, code, said) => {
    expect(await fail(app, alice, message)).toEqual({ status, code, said, retryAfter: null })
  })

  test('Retry-After is understood as a date, and bounded to an hour', async () => {
    const date = await fail(app, alice, 'come back on a date')
    expect(Number(date.retryAfter)).toBeGreaterThanOrEqual(55)
    expect(Number(date.retryAfter)).toBeLessThanOrEqual(60)
    expect((await fail(app, alice, 'come back next week')).retryAfter).toBe('3600')
  })

  test('an answer that never ends is cut at 4 MiB, kept, and its connection closed', async () => {
    const { body } = await app.as(alice)('POST', '/agent-chats', { message: 'without end' })
    expect(body.code).toBe('answer_too_long')
    const said = textOf(body.events).length
    expect([said > 3 * 1024 * 1024, said <= 4 * 1024 * 1024]).toEqual([true, true])
    await until(() => raw.aborted.includes('without end'))
    log.lines.length = 0
  }, 20_000)

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

describe('a model API that cannot be reached', () => {
  const addresses: Array<[string, () => string]> = [
    ['refuses connections', () => 'http://127.0.0.1:9/v1'],
    ['has no address', () => 'http://model.invalid/v1'],
    ['speaks no TLS', () => `https://127.0.0.1:${plain.port}/v1`],
    ['hangs up', () => `http://127.0.0.1:${rude.port}/v1`],
  ]
  const plain = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() })
  const rude = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: socket => void socket.end() } })
  afterAll(() => {
    plain.stop(true)
    rude.stop(true)
  })
  test.each(addresses)('%s: 503 model_unreachable with Retry-After', async (_, address) => {
    const app = await startApp({ OPENAI_BASE_URL: address(), OPENAI_API_KEY: modelKey, AGENT_MODEL: 'x' })
    expect(await fail(app, await app.newUser(), 'are you there')).toEqual({
      status: 503,
      code: 'model_unreachable',
      retryAfter: '10',
      said: '',
    })
    await app.stop()
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

  const limits: Array<[message: string, said: RegExp, seconds: number]> = [
    ['think for ever', /^$/, 1],
    ['fall silent', /^some $/, 1],
    ['talk for ever', /^(on ){10,}$/, 2],
  ]
  test.each(limits)('%s: 504 model_timeout, and the connection is closed', async (message, said, seconds) => {
    const start = performance.now()
    const answer = await app.as(alice)('POST', '/agent-chats', { message })
    expect((performance.now() - start) / 1000).toBeCloseTo(seconds, 0)
    expect([answer.status, answer.body.code]).toEqual([504, 'model_timeout'])
    expect(textOf(answer.body.events)).toMatch(said)
    await until(() => raw.aborted.includes(message))
    log.lines.length = 0
  })
})

const ended = (signal: AbortSignal) =>
  new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 2000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('it did not happen')
    await Bun.sleep(5)
  }
}
