import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { startApp, type TestApp } from '../harness/app.ts'
import { openEventStream } from '../harness/event-stream.ts'
import { startExecutable, tidy } from '../harness/executable.ts'
import { apis, chunk, end, startModel, startRawModel, usage, word } from '../harness/model.ts'

type Person = Awaited<ReturnType<TestApp['newUser']>>
type Tokens = { input_tokens: number; output_tokens: number; estimated: boolean }

const usageOf = async (app: TestApp, who: Person, query = '') =>
  (await app.as(who)('GET', `/users/me/usage${query}`)).body
const sumOf = ({ input_tokens, output_tokens }: Tokens) => input_tokens + output_tokens

afterAll(tidy)

describe.each(apis)('what is taken of models, over the %s API', api => {
  let model: Awaited<ReturnType<typeof startModel>>
  let app: TestApp
  beforeAll(async () => {
    model = await startModel()
    model.says('greet me', { content: 'Hello.', ...usage(11, 3) })
    model.says('round and round', { toolCalls: [{ name: 'current_time', arguments: '{}' }], ...usage(20, 5) })
    model.concludes('round and round', {
      toolCalls: [{ name: 'current_time', arguments: '{}' }],
      ...usage(31, 7),
    })
    model.says('change my bio', {
      toolCalls: [{ name: 'update_my_profile', arguments: '{"bio":"new"}' }],
      ...usage(40, 9),
    })
    model.concludes('change my bio', { content: 'Done.', ...usage(51, 13) })
    model.says('too long', { content: 'On and on', finishReason: 'length', ...usage(17, 400) })
    model.says('fail', { error: { message: 'no' }, status: 500, ...usage(999, 999) } as never)
    const long = { content: 'one two three four five six seven eight', ...usage(5000, 5000) }
    model.says('take your time', long, { latency: 50, chunkSize: 4 })
    app = await startApp({ ...model.environment(api), AGENT_MAX_STEPS: '4' })
  })
  afterAll(async () => {
    await app.stop()
    await model.stop()
  })

  test('adds up to what the journal of the model API has, whatever became of the runs', async () => {
    const alice = await app.newUser()
    const before = model.told()
    const send = (body: object) => app.as(alice)('POST', '/agent-chats', body)

    const { session_id } = (await send({ message: 'greet me' })).body
    const rounds = await send({ message: 'round and round' })
    await app.as(alice)('POST', `/agent-chats/${session_id}/regenerate`, {})
    await Promise.all(
      Array.from({ length: 3 }, () => send({ message: 'greet me', session_id, on_conflict: 'enqueue' })),
    )
    const asked = (await send({ message: 'change my bio' })).body
    const { run_id, interrupts } = asked.events.at(-1)
    const run = `/agent-chats/${asked.session_id}/runs/${run_id}`
    await app.as(alice)('POST', `${run}/approvals/${interrupts[0].id}`, { approved: true })
    while ((await app.as(alice)('GET', run)).body.status !== 'finished') await Bun.sleep(5)
    const tooLong = await send({ message: 'too long' })
    // Over the other API the mock does not say that it was.
    if (api === 'chat') expect(tooLong.body.code).toBe('answer_too_long')
    expect((await send({ message: 'fail' })).status).toBe(502)

    const { days, total, budget } = await usageOf(app, alice)
    expect(days).toHaveLength(1)
    expect(days[0].models).toEqual([{ model: 'gpt-4o', ...total }])
    expect([sumOf(total), total.estimated]).toEqual([model.told() - before, false])
    expect(budget).toMatchObject({ daily_tokens: null, used_tokens: sumOf(total), left_tokens: null })

    const calls = { input_tokens: 20 + 3 * 31, output_tokens: 5 + 3 * 7, estimated: false }
    const { run_id: roundsId } = rounds.body.events[0]
    const one = await app.as(alice)('GET', `/agent-chats/${rounds.body.session_id}/runs/${roundsId}`)
    expect(one.body.usage).toMatchObject(calls)
    expect((await app.as(alice)('GET', run)).body.usage).toMatchObject({
      input_tokens: 40 + 51,
      output_tokens: 9 + 13,
    })
  })

  test('is estimated of a call that is broken off: what was asked, and what was said', async () => {
    const bob = await app.newUser()
    const reader = await openEventStream(app.url, bob.access_token, { message: 'take your time' })
    const { session_id, run_id } = (await reader.until('RUN_STARTED')).event
    await reader.until('TEXT_MESSAGE_CONTENT')
    const run = `/agent-chats/${session_id}/runs/${run_id}`
    const cancelled = await app.as(bob)('POST', `${run}/cancel`)
    const { input_tokens, output_tokens, estimated } = cancelled.body.usage
    const asked = [{ role: 'user', content: [{ type: 'text', text: 'take your time' }] }]
    // A token is about four bytes.
    expect([input_tokens, estimated]).toEqual([Math.ceil(JSON.stringify(asked).length / 4), true])
    expect(output_tokens).toBeGreaterThan(0)
    expect(output_tokens).toBeLessThan(11)
    const { total } = await usageOf(app, bob)
    expect(total).toEqual(cancelled.body.usage)
  })

  test('is nothing of a call that was turned away', async () => {
    const carol = await app.newUser()
    await app.as(carol)('POST', '/agent-chats', { message: 'fail' })
    const nowhere = await startApp({ ...model.environment(api), OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' })
    const dave = await nowhere.newUser()
    await nowhere.as(dave)('POST', '/agent-chats', { message: 'greet me' })
    const nothing = { input_tokens: 0, output_tokens: 0, estimated: false }
    expect((await usageOf(app, carol)).total).toMatchObject(nothing)
    expect((await usageOf(nowhere, dave)).total).toMatchObject(nothing)
    await nowhere.stop()
  })
})

describe('cached and reasoning tokens', () => {
  const counts = [100, 60, 30, 20] as const
  const [input, cached, output, reasoning] = counts
  const response = { id: 'resp_1', created_at: 0, model: 'x', service_tier: null }
  const line = (event: object) => `data: ${JSON.stringify(event)}\n\n`
  const told = {
    chat: async function* () {
      yield word('ok') + chunk({}, 'stop')
      yield line({
        id: 'x',
        object: 'chat.completion.chunk',
        choices: [],
        usage: {
          prompt_tokens: input,
          prompt_tokens_details: { cached_tokens: cached },
          completion_tokens: output,
          completion_tokens_details: { reasoning_tokens: reasoning },
        },
      })
    },
    responses: async function* () {
      const usage = {
        input_tokens: input,
        input_tokens_details: { cached_tokens: cached },
        output_tokens: output,
        output_tokens_details: { reasoning_tokens: reasoning },
      }
      yield line({ type: 'response.created', response })
      yield line({ type: 'response.completed', response: { ...response, usage } })
    },
  }

  test.each(apis)('are part of the input and of the output, over the %s API', async api => {
    const raw = startRawModel({ hello: told[api] }, api)
    const app = await startApp(raw.environment)
    const alice = await app.newUser()
    await app.as(alice)('POST', '/agent-chats', { message: 'hello' })
    const { total, budget } = await usageOf(app, alice)
    await app.stop()
    await raw.stop()
    const { input_tokens, cached_input_tokens, output_tokens, reasoning_tokens } = total
    expect([input_tokens, cached_input_tokens, output_tokens, reasoning_tokens]).toEqual([...counts])
    expect(budget.used_tokens).toBe(input + output)
  })
})

/** A model (Chat Completions) that is told by the test when to go on. */
function gatedModel() {
  const gates: Array<() => void> = []
  const took = (prompt_tokens: number, completion_tokens: number) =>
    `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', choices: [], usage: { prompt_tokens, completion_tokens } })}\n\n`
  const call = {
    index: 0,
    id: 'call_1',
    type: 'function',
    function: { name: 'current_time', arguments: '{}' },
  }
  const raw = startRawModel({
    'use a tool': async function* () {
      const results = JSON.stringify(raw.requests.at(-1)!.body).match(/"role":"tool"/g)?.length ?? 0
      if (results > 0) await new Promise<void>(resolve => gates.push(resolve))
      yield word(`part ${results} `) +
        chunk({ tool_calls: [call] }) +
        chunk({}, 'tool_calls') +
        took(500, 100)
    },
    hello: async function* () {
      yield word('hi') + chunk({}, 'stop') + took(30, 10) + end
    },
  })
  return { ...raw, gates }
}

describe('AGENT_DAILY_TOKENS', () => {
  // Ten hours before midnight in UTC; ahead of the machine's clock, which access tokens are judged by.
  const noon = Date.parse('2036-11-22T14:00:00.000Z')
  const day = 24 * 60 * 60 * 1000
  let now = noon
  let raw: ReturnType<typeof gatedModel>
  let app: TestApp
  beforeAll(async () => {
    raw = gatedModel()
    app = await startApp({ ...raw.environment, AGENT_DAILY_TOKENS: '1000' }, { now: () => now })
  })
  afterAll(async () => {
    await app.stop()
    await raw.stop()
  })
  const hello = (who: Person) => app.as(who)('POST', '/agent-chats', { message: 'hello' })
  const spend = (who: Person, tokens: number) =>
    app.services.usage.count(who.user.id, 'other', {
      inputTokens: tokens,
      cachedInputTokens: 0,
      outputTokens: 0,
      reasoningTokens: 0,
      estimated: true,
    })

  test('ends the taking of messages where it is spent: 429 until midnight in UTC, for that user alone', async () => {
    now = noon
    const [alice, bob] = [await app.newUser(), await app.newUser()]
    expect((await hello(alice)).status).toBe(200)
    // What is taken outside of runs counts as well.
    await spend(alice, 959)
    expect((await usageOf(app, alice)).budget).toEqual({
      daily_tokens: 1000,
      used_tokens: 999,
      left_tokens: 1,
      resets_at: '2036-11-23T00:00:00.000Z',
    })
    expect((await hello(alice)).status).toBe(200)

    const before = raw.requests.length
    const refused = await hello(alice)
    expect([refused.status, refused.body.code]).toEqual([429, 'token_budget_spent'])
    expect(refused.headers.get('retry-after')).toBe(String(10 * 3600))
    expect(raw.requests.length).toBe(before)
    expect((await usageOf(app, alice)).budget).toMatchObject({ used_tokens: 1039, left_tokens: 0 })
    expect((await hello(bob)).status).toBe(200)

    now += 10 * 3600 * 1000
    expect((await usageOf(app, alice)).budget).toMatchObject({ used_tokens: 0, left_tokens: 1000 })
    expect((await hello(alice)).status).toBe(200)
  })

  test('ends a run between its steps, what it said is kept; runs under way count for all of the user', async () => {
    now = noon
    const carol = await app.newUser()
    const open = () => openEventStream(app.url, carol.access_token, { message: 'use a tool' })
    const first = await open()
    await first.until('TOOL_CALL_RESULT')
    while (raw.gates.length < 1) await Bun.sleep(1)
    // Nothing is kept of it yet, and it is told all the same.
    expect((await usageOf(app, carol)).budget.used_tokens).toBe(600)
    const second = await open()
    // It has taken 600 as well by now, so neither gets another step.
    const rest = await second.rest()
    expect(rest.at(-1)!.event).toMatchObject({ type: 'RUN_ERROR', code: 'token_budget_spent' })
    const { session_id } = rest[0]!.event
    // What is kept and what is not are one sum, and its user's alone.
    const { days } = await usageOf(app, carol)
    expect(days).toMatchObject([{ models: [{ input_tokens: 1000, output_tokens: 200 }] }])
    expect(days[0].models).toHaveLength(1)
    expect((await usageOf(app, await app.newUser())).budget.used_tokens).toBe(0)
    expect((await hello(carol)).body.code).toBe('token_budget_spent')
    for (const open of raw.gates.splice(0)) open()
    expect((await first.rest()).at(-1)!.event.code).toBe('token_budget_spent')
    expect((await usageOf(app, carol)).total).toMatchObject({ input_tokens: 1500, output_tokens: 300 })

    now += day
    const next = await app.as(carol)('POST', '/agent-chats', { message: 'hello', session_id })
    expect(next.status).toBe(200)
    expect(JSON.stringify(raw.requests.at(-1)!.body)).toContain('part 0 ')
  })

  test('in JSON, a run that it ends is 429 with what there was', async () => {
    now = noon
    const dave = await app.newUser()
    await spend(dave, 500)
    const { status, body, headers } = await app.as(dave)('POST', '/agent-chats', { message: 'use a tool' })
    expect([status, body.code, headers.get('retry-after')]).toEqual([429, 'token_budget_spent', '36000'])
    expect(body.events.map(({ delta }: { delta: string | null }) => delta ?? '').join('')).toBe('part 0 ')
  })

  test('puts off an approval, which counts again when there is something to spend', async () => {
    now = noon
    const model = await startModel()
    model.says('my bio', {
      toolCalls: [{ name: 'update_my_profile', arguments: '{"bio":"x"}' }],
      ...usage(90, 10),
    })
    model.concludes('my bio', { content: 'Done.', ...usage(90, 10) })
    const app = await startApp(
      { ...model.environment('chat'), AGENT_DAILY_TOKENS: '100' },
      { now: () => now },
    )
    const eve = await app.newUser()
    const { session_id, events } = (await app.as(eve)('POST', '/agent-chats', { message: 'my bio' })).body
    const { run_id, interrupts } = events.at(-1)
    const approval = `/agent-chats/${session_id}/runs/${run_id}/approvals/${interrupts[0].id}`
    const approve = (who: Person) =>
      app.as(who)('POST', approval, { approved: true }, { accept: 'text/event-stream' })
    const refused = await approve(eve)
    expect([refused.status, refused.body.code]).toEqual([429, 'token_budget_spent'])
    now += day
    const went = await approve(eve)
    expect([went.status, went.body.includes('RUN_FINISHED')]).toEqual([200, true])
    // Each leg counts on its day.
    const { days } = await usageOf(app, eve, '?from=2036-11-22&to=2036-11-23')
    expect(
      days.map(({ day, models }: { day: string; models: Tokens[] }) => [day, sumOf(models[0]!)]),
    ).toEqual([
      ['2036-11-22', 100],
      ['2036-11-23', 100],
    ])
    await app.stop()
    await model.stop()
  })
})

describe('GET /users/me/usage', () => {
  let now = Date.parse('2035-02-28T23:59:59.000Z')
  let raw: ReturnType<typeof gatedModel>
  let app: TestApp
  let alice: Person
  beforeAll(async () => {
    raw = gatedModel()
    app = await startApp(raw.environment, { now: () => now })
    alice = await app.newUser()
    await app.as(alice)('POST', '/agent-chats', { message: 'hello' })
    now += 2000
    await app.as(alice)('POST', '/agent-chats', { message: 'hello' })
    await app.as(alice)('POST', '/agent-chats', { message: 'hello' })
  })
  afterAll(async () => {
    await app.stop()
    await raw.stop()
  })

  const took = (runs: number) => ({
    input_tokens: 30 * runs,
    cached_input_tokens: 0,
    output_tokens: 10 * runs,
    reasoning_tokens: 0,
    estimated: false,
  })
  const february = { day: '2035-02-28', models: [{ model: 'gpt-4o', ...took(1) }] }
  const march = { day: '2035-03-01', models: [{ model: 'gpt-4o', ...took(2) }] }

  test.each([
    ['', '2035-03-01', '2035-03-01', [march], 2],
    ['?from=2035-02-01', '2035-02-01', '2035-03-01', [february, march], 3],
    ['?from=2035-02-01&to=2035-02-28', '2035-02-01', '2035-02-28', [february], 1],
    ['?to=2035-02-28', '2035-02-28', '2035-02-28', [february], 1],
    ['?from=2034-03-01', '2034-03-01', '2035-03-01', [february, march], 3],
    ['?to=2035-01-01', '2035-01-01', '2035-01-01', [], 0],
  ])('%s tells of these days', async (query, from, to, days, runs) => {
    expect(await usageOf(app, alice, query)).toMatchObject({ from, to, days, total: took(runs) })
  })

  test("tells nothing of another's", async () => {
    expect((await usageOf(app, await app.newUser())).days).toEqual([])
  })

  test.each([
    ['?from=yesterday', '/query/from'],
    ['?to=2035-02-30', '/query/to'],
    ['?from=2035-02-30&to=2035-03-01', '/query/from'],
    ['?from=2035-03-02&to=2035-03-01', '/query/from'],
    ['?from=2034-02-01&to=2035-03-01', '/query/from'],
  ])('%s is 422 and says where', async (query, pointer) => {
    const { status, body } = await app.as(alice)('GET', `/users/me/usage${query}`)
    expect([status, body.code]).toEqual([422, 'invalid_request'])
    expect(body.errors.map((error: { pointer: string }) => error.pointer)).toEqual([pointer])
    expect(body.errors[0].detail).toMatch(/is not valid|has the wrong format/)
  })

  test('survives a restart', async () => {
    const first = await startApp(raw.environment)
    const bob = await first.newUser()
    await first.as(bob)('POST', '/agent-chats', { message: 'hello' })
    const before = await usageOf(first, bob)
    await first.stop({ keep: true })
    const second = await startApp(raw.environment, { dataDir: first.dataDir })
    expect(before.total).toEqual(took(1))
    expect(await usageOf(second, bob)).toEqual(before)
    await second.stop()
  })
})

describe('a kill in the middle of an answer', () => {
  test('leaves an estimate of what was asked and said', async () => {
    const raw = startRawModel({
      talk: async function* (signal) {
        yield word('x'.repeat(400))
        await new Promise(resolve => signal.addEventListener('abort', resolve))
      },
    })
    const env = { ...raw.environment, DATA_DIR: 'data', MAIL: 'log' }
    const first = await startExecutable({ env })
    const bob = await first.newUser()
    const reader = await openEventStream(first.url, bob.access_token, { message: 'talk' })
    await reader.until('TEXT_MESSAGE_CONTENT')
    await first.kill()
    const second = await startExecutable({ env, cwd: first.cwd })
    const { body } = await second.as(bob)('GET', '/users/me/usage')
    await second.kill()
    await raw.stop()
    expect(body.total).toMatchObject({
      input_tokens: Math.ceil('[{"role":"user","content":"talk"}]'.length / 4),
      output_tokens: 100,
      estimated: true,
    })
  }, 60_000)
})
