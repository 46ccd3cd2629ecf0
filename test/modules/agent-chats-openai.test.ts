/** The real `openai` client, unmodified, against the agent. */

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import OpenAI from 'openai'
import type { ChatCompletionMessageParam, ChatCompletionTool } from 'openai/resources'
import { startApp, type TestApp } from '../harness/app.ts'
import { followRun } from '../harness/event-stream.ts'
import { chunk, end, startModel, startRawModel, word } from '../harness/model.ts'

type Person = Awaited<ReturnType<TestApp['newUser']>>
type Asked = {
  messages: Array<{ role: string; content: string }>
  tools?: Array<{ function: { name: string } }>
}

const call = (name: string, args: object) =>
  `${chunk({
    tool_calls: [
      { index: 0, id: `call_${name}`, type: 'function', function: { name, arguments: JSON.stringify(args) } },
    ],
  })}${chunk({}, 'tool_calls')}data: [DONE]\n\n`
const usage = `data: ${JSON.stringify({
  id: 'u',
  object: 'chat.completion.chunk',
  created: 0,
  model: 'raw',
  choices: [],
  usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 },
})}\n\n`

let raw: ReturnType<typeof startRawModel>
let app: TestApp
let alice: Person
let openai: OpenAI
let answers = 0
const hasResult = () => JSON.stringify(raw.requests.at(-1)!.body).includes('"role":"tool"')
beforeAll(async () => {
  raw = startRawModel({
    hello: async function* () {
      yield `${word('Hello ')}${word('there')}${chunk({}, 'stop')}${usage}data: [DONE]\n\n`
    },
    more: async function* () {
      yield word(`more ${++answers}`) + end
    },
    'who am I': async function* () {
      yield hasResult() ? word('Found.') + end : word('Looking.') + call('get_my_profile', {})
    },
    weather: async function* () {
      yield hasResult() ? word('It rains.') + end : call('get_weather', { city: 'Berlin' })
    },
    'change bio': async function* () {
      yield call('update_my_profile', { bio: 'changed' })
    },
    'cut me off': async function* () {
      yield word('half ')
    },
    'fail at once': () => new Response('{}', { status: 401 }),
    'for ever': async function* (signal) {
      yield word('on and on')
      await new Promise(resolve => signal.addEventListener('abort', resolve))
    },
  })
  app = await startApp({ ...raw.environment, AGENT_MAX_RUNS: '20' })
  alice = await app.newUser()
  openai = clientOf(alice)
})
afterAll(async () => {
  await app.stop()
  await raw.stop()
})

const clientOf = (who: { access_token: string }, url = app.url) =>
  new OpenAI({
    baseURL: `${url}/api/v1/openai`,
    apiKey: who.access_token,
    maxRetries: 0,
    defaultHeaders: { 'accept-language': 'en' },
  })
const user = (content: string): ChatCompletionMessageParam => ({ role: 'user', content })
const assistant = (content: string): ChatCompletionMessageParam => ({ role: 'assistant', content })
const ask = async (messages: ChatCompletionMessageParam[], tools?: ChatCompletionTool[]) =>
  openai.chat.completions.create({ model: 'parley', messages, tools })
const lastPrompt = () =>
  (raw.requests.at(-1)!.body as unknown as Asked).messages
    .filter(({ role }) => role !== 'system' && role !== 'developer')
    .map(({ content }) => content)

async function streamed(messages: ChatCompletionMessageParam[]) {
  const stream = await openai.chat.completions.create({
    model: 'parley',
    messages,
    stream: true,
    stream_options: { include_usage: true },
  })
  const chunks = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}

describe('POST /openai/chat/completions', () => {
  test('answers whole, with usage, and says which chat it is', async () => {
    const answer = await ask([user('hello')])
    expect(answer).toMatchObject({
      object: 'chat.completion',
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'Hello there' } }],
      usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 },
    })
    expect(Math.abs(answer.created - Date.now() / 1000)).toBeLessThan(60)
    const { session_id } = answer as unknown as { session_id: string }
    expect((await app.as(alice)('GET', `/agent-chats/${session_id}/runs/${answer.id}`)).body.status).toBe(
      'finished',
    )
  })

  test('streams the answer, and its usage where that is asked for', async () => {
    const chunks = await streamed([user('hello')])
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('Hello there')
    expect(chunks.at(-2)!.choices[0]!.finish_reason).toBe('stop')
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 18 } })
  })

  test('goes on with a conversation that it knows again, though the client tells all of it', async () => {
    const first = await ask([user('who am I')])
    expect(first.choices[0]!.message.content).toBe('Looking.\n\nFound.')
    const said = [user('who am I'), assistant('Looking.\n\nFound.'), user('more')]
    const second = await ask(said)
    expect(second.choices[0]!.message.content).toMatch(/^more \d+$/)
    // The model gets what was said and done, as it was, not as the client tells it.
    const prompt = JSON.stringify(raw.requests.at(-1)!.body)
    expect(prompt).toContain('"name":"get_my_profile"')
    expect(prompt.match(/who am I/g)?.length).toBe(1)
    const again = await ask(said)
    expect(again.choices[0]!.message.content).not.toBe(second.choices[0]!.message.content)
    const chats = [first, second, again].map(
      answer => (answer as unknown as { session_id: string }).session_id,
    )
    expect(new Set(chats).size).toBe(1)
  })

  test('takes a conversation that was held elsewhere as it is told', async () => {
    await ask([user('elsewhere'), assistant('I was another.'), user('more')])
    expect(lastPrompt()).toEqual(['elsewhere', 'I was another.', 'more'])
    await ask([user('elsewhere'), assistant('I was a third.'), user('more')])
    expect(lastPrompt()).toEqual(['elsewhere', 'I was a third.', 'more'])
  })

  test('knows the newest hundred answers again, and takes an older one as it is told', async () => {
    const bob = await app.newUser()
    const complete = async (...messages: ChatCompletionMessageParam[]) =>
      (await app.as(bob)('POST', '/openai/chat/completions', { messages })).body
    const given: string[] = []
    for (let n = 0; n <= 100; n++) given.push((await complete(user('more'))).choices[0].message.content)
    /** Of which run the answer is that the conversation goes on from. */
    const goOnFrom = async (answer: string) => {
      const { session_id } = await complete(user('more'), assistant(answer), user('hello'))
      expect(lastPrompt()).toEqual(['more', answer, 'hello'])
      const { body } = await app.as(bob)('GET', `/agent-chats/${session_id}/messages`)
      return body.messages[2].run_id
    }
    expect(await goOnFrom(given[1]!)).toBeString()
    expect(await goOnFrom(given[0]!)).toBeNull()
  }, 60_000)

  test("passes the client's instructions on, below the operator's", async () => {
    await ask([{ role: 'system', content: 'Speak like a pirate.' }, user('hello')])
    const { messages } = raw.requests.at(-1)!.body as unknown as Asked
    expect(messages[0]!.content).toMatch(/^You are a helpful assistant[\s\S]+Speak like a pirate\.$/)
  })

  test('tells thoughts as reasoning_content', async () => {
    const model = await startModel()
    model.says('think', { content: 'Thought.', reasoning: 'hm, yes' })
    const thinking = await startApp(model.environment('responses'))
    const { chat } = clientOf(await thinking.newUser(), thinking.url)
    const stream = await chat.completions.create({ model: 'parley', messages: [user('think')], stream: true })
    const deltas: Array<{ content?: string | null; reasoning_content?: string }> = []
    for await (const { choices } of stream) if (choices[0]) deltas.push(choices[0].delta)
    expect(deltas.map(({ reasoning_content = '' }) => reasoning_content).join('')).toBe('hm, yes')
    expect(deltas.map(({ content }) => content ?? '').join('')).toBe('Thought.')
    await thinking.stop()
    await model.stop()
  })

  test("of two tools with one name, the client's and ours, ours is used", async () => {
    const named = { name: 'get_my_profile', parameters: { type: 'object', properties: {} } }
    const answer = await ask([user('who am I')], [{ type: 'function', function: named }])
    expect(answer.choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { content: 'Looking.\n\nFound.' },
    })
  })

  test("ends with tool_calls where a tool of the client's is called, and goes on with its result", async () => {
    const tools: ChatCompletionTool[] = [
      {
        type: 'function',
        function: {
          name: 'get_weather',
          parameters: { type: 'object', properties: { city: { type: 'string' } } },
        },
      },
    ]
    const first = await ask([user('weather')], tools)
    expect(first.choices[0]!.finish_reason).toBe('tool_calls')
    const { message } = first.choices[0]!
    expect(message.tool_calls).toMatchObject([
      { id: 'call_get_weather', function: { name: 'get_weather', arguments: '{"city":"Berlin"}' } },
    ])
    const result = { role: 'tool' as const, tool_call_id: 'call_get_weather', content: 'rain' }
    const second = await ask([user('weather'), message, result], tools)
    expect(second.choices[0]!.message.content).toBe('It rains.')
    expect(JSON.stringify(raw.requests.at(-1)!.body)).toContain('"content":"rain"')
    // Told twice, or forged, it is nothing that anybody waits for.
    await expect(ask([user('weather'), message, result], tools)).rejects.toMatchObject({ status: 404 })
  })

  test('says that a tool waits for approval; given by our own route, the conversation goes on', async () => {
    const answer = await ask([user('change bio')])
    expect(answer.choices[0]!.message.content).toBe('This waits for your approval: update_my_profile.')
    const { session_id } = answer as unknown as { session_id: string }
    const path = `/agent-chats/${session_id}/runs/${answer.id}`
    const { interrupts } = (await app.as(alice)('GET', path)).body
    await app.as(alice)('POST', `${path}/approvals/${interrupts[0].id}`, { approved: true })
    let bio = null
    for (; bio === null; await Bun.sleep(5)) bio = (await app.as(alice)('GET', '/users/me')).body.bio
    expect(bio).toBe('changed')
  })

  test('denied by our own route, the call is not carried out, and the conversation goes on', async () => {
    const said = [user('change bio'), assistant('Nothing yet.'), user('change bio')]
    const before = (await app.as(alice)('GET', '/users/me')).body.bio
    const answer = await ask(said)
    const path = `/agent-chats/${(answer as unknown as { session_id: string }).session_id}/runs/${answer.id}`
    const [{ id }] = (await app.as(alice)('GET', path)).body.interrupts
    const streamed = { accept: 'text/event-stream' }
    await app.as(alice)('POST', `${path}/approvals/${id}`, { approved: false }, streamed)
    expect(JSON.stringify(raw.requests.at(-1)!.body)).toContain('tool_denied')
    expect((await app.as(alice)('GET', '/users/me')).body.bio).toBe(before)
  })

  test('a reader that left can come back, by our own route, to where it was', async () => {
    const { data: stream, response } = await openai.chat.completions
      .create({ model: 'parley', messages: [user('hello')], stream: true })
      .withResponse()
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break
    const [session, run] = ['x-session-id', 'x-run-id'].map(name => response.headers.get(name)!)
    const { rest } = await followRun(app.url, alice.access_token, session!, run!, 0)
    expect((await rest()).at(-1)!.event).toMatchObject({ type: 'RUN_FINISHED', output: 'Hello there' })
  })

  test('before the first word a failure is an error of the client, with code and sentence', async () => {
    await expect(ask([user('fail at once')])).rejects.toMatchObject({
      status: 502,
      code: 'model_rejected_key',
      message: expect.stringContaining('Tell the administrator'),
    })
    await expect(streamed([user('fail at once')])).rejects.toMatchObject({ code: 'model_rejected_key' })
  })

  test('in mid-answer too, and what was said is kept', async () => {
    await expect(streamed([user('cut me off')])).rejects.toMatchObject({ code: 'model_cut_off' })
    await ask([user('cut me off'), assistant('half '), user('more')])
    expect(lastPrompt()).toEqual(['cut me off', 'half ', 'more'])
  })

  test('a reader that leaves stops nothing; the run is stopped by its own route', async () => {
    const { data: stream, response } = await openai.chat.completions
      .create({ model: 'parley', messages: [user('for ever')], stream: true })
      .withResponse()
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break
    const path = `/agent-chats/${response.headers.get('x-session-id')}/runs/${response.headers.get('x-run-id')}`
    expect((await app.as(alice)('GET', path)).body.status).toBe('running')
    expect((await app.as(alice)('POST', `${path}/cancel`)).body.status).toBe('cancelled')
    await raw.untilAborted('for ever')
  })

  test('a stopped run ends the stream with an error', async () => {
    const { data: stream, response } = await openai.chat.completions
      .create({ model: 'parley', messages: [user('for ever')], stream: true })
      .withResponse()
    const path = `/agent-chats/${response.headers.get('x-session-id')}/runs/${response.headers.get('x-run-id')}`
    const reading = (async () => {
      for await (const chunk of stream)
        if (chunk.choices[0]?.delta.content) await app.as(alice)('POST', `${path}/cancel`)
    })()
    await expect(reading).rejects.toMatchObject({ code: 'run_cancelled' })
  })

  test.each([
    ['no message', [], '/body/messages'],
    ['an answer at the end', [user('hello'), assistant('x')], '/body/messages'],
    ['no question at the beginning', [assistant('x'), user('hello')], '/body/messages'],
  ])('%s is 422', async (_, messages, pointer) => {
    await expect(ask(messages as ChatCompletionMessageParam[])).rejects.toMatchObject({ status: 422 })
    const { body } = await app.as(alice)('POST', '/openai/chat/completions', { model: 'parley', messages })
    expect(body.errors[0].pointer).toBe(pointer)
  })

  test('is 401 for who is not signed in, and knows nothing of the conversations of others', async () => {
    await expect((async () => clientOf({ access_token: 'x' }).models.list())()).rejects.toMatchObject({
      status: 401,
    })
    const bob = await app.newUser()
    await clientOf(bob).chat.completions.create({
      model: 'parley',
      messages: [user('who am I'), assistant('Looking.\n\nFound.'), user('hello')],
    })
    expect(JSON.stringify(raw.requests.at(-1)!.body)).not.toContain('"name":"get_my_profile","arguments"')
  })
})

test('GET /openai/models lists the models', async () => {
  const ids = []
  for await (const { id } of openai.models.list()) ids.push(id)
  expect(ids).toEqual(['parley', 'gpt-4o'])
})

test('nobody can tell which chat another person’s conversation will be, and begin it in their stead', async () => {
  const mallory = await app.newUser()
  const hash = createHash('sha256').update(`${alice.user.id}\0chat completions\0\0hello`).digest('hex')
  const guess = hash.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-8$3-8$4-$5')
  for (const variant of ['8', '9', 'a', 'b'])
    await app.as(mallory)('POST', '/agent-chats', {
      message: 'hello',
      session_id: guess.replace(/^(.{19})8/, `$1${variant}`),
    })
  const { status } = await app.as(alice)('POST', '/openai/chat/completions', {
    messages: [{ role: 'user', content: 'hello' }],
  })
  expect(status).toBe(200)
})

test('a conversation that is refused leaves nothing behind', async () => {
  const bob = await app.newUser()
  const messages = ['hello', 'Hi', 'more'].map((content, i) => ({
    role: i === 1 ? 'assistant' : 'user',
    content,
  }))
  const { status } = await app.as(bob)('POST', '/openai/chat/completions', { model: 'unknown', messages })
  expect(status).toBe(422)
  expect((await app.as(bob)('GET', '/agent-chats')).body.chats).toEqual([])
})
