import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { connect } from 'node:net'
import { startApp, type TestApp } from '../harness/app.ts'
import { followRun, openEventStream } from '../harness/event-stream.ts'
import { apis, chunk, end, speech, startRawModel, word } from '../harness/model.ts'

type Person = Awaited<ReturnType<TestApp['newUser']>>

/** Opened by the test, step by step. */
const gates = new Map<string, PromiseWithResolvers<void>>()
const gate = (name: string) => {
  if (!gates.has(name)) gates.set(name, Promise.withResolvers())
  return gates.get(name)!
}

const raw = startRawModel({
  'wait for me': async function* () {
    await gate('first').promise
    yield word('one ')
    await gate('second').promise
    yield word('two') + end
  },
  'I will leave': async function* () {
    yield word('kept ')
    await gate('left').promise
    yield word('to the end') + end
  },
  'I will leave at once': async function* () {
    await gate('left at once').promise
    yield word('kept, too') + end
  },
  'sign me out': async function* () {
    yield word('some ')
    await gate('signed out').promise
    yield word('more') + end
  },
  'say nothing for long': async function* () {
    yield word('hm ')
    // One comment, and two more beats of the clock.
    await Bun.sleep(14_500)
    yield word('yes') + end
  },
  'a great deal': async function* () {
    for (let n = 0; n < 1000; n++) yield word(`${'x'.repeat(4000)} `)
    yield end
  },
  'be brief': async function* () {
    yield word('ok') + end
  },
  'sign me out between': async function* () {
    const told = JSON.stringify(raw.requests.at(-1)!.body)
    if (!told.includes('"role":"tool"')) yield word('some ') + speech.chat.call('current_time', '{}')
    else await gate('never').promise
  },
  'sign me out of the JSON': async function* () {
    await gate('signed out of the JSON').promise
    yield word('for nobody') + end
  },
  'stop before the end': async function* () {
    yield word('half ')
    await gate('never').promise
  },
  'just in time': async function* () {
    yield word('slow ')
    await Bun.sleep(300)
    yield word('but whole') + end
  },
})

let app: TestApp
let alice: Person
beforeAll(async () => {
  app = await startApp({ ...raw.environment, AGENT_MAX_RUNS: '20', AGENT_CONTEXT_TOKENS: '10000000' })
  alice = await app.newUser()
})
afterAll(async () => {
  await app.stop()
  await raw.stop()
})

const stream = (message: string, who = alice, session_id?: string) =>
  openEventStream(app.url, who.access_token, { message, session_id })

/** Waits until the chat is free again; then its first message and the answer, as the model is sent them. */
async function untilEnded(session_id: string, message: string): Promise<string[]> {
  for (;;) {
    const { status } = await app.as(alice)('POST', '/agent-chats', { message: 'be brief', session_id })
    if (status === 200) break
    expect(status).toBe(409)
    await Bun.sleep(10)
  }
  type Sent = { messages: Array<{ content: string }> }
  const prompts = raw.requests.map(({ body }) => (body as Sent).messages.map(({ content }) => content))
  const prompt = prompts.findLast(([, first, answer]) => first === message && answer !== undefined)
  return prompt?.slice(1, 3) ?? []
}

describe.concurrent('a stream', () => {
  test('begins before the model answers, and passes on each word as it comes', async () => {
    const reader = await stream('wait for me')
    expect((await reader.next())?.event.type).toBe('RUN_STARTED')
    gate('first').resolve()
    expect((await reader.until('TEXT_MESSAGE_CONTENT')).event.delta).toBe('one ')
    gate('second').resolve()
    expect((await reader.until('TEXT_MESSAGE_CONTENT')).event.delta).toBe('two')
    expect((await reader.until('RUN_FINISHED')).event.output).toBe('one two')
    expect(await reader.next()).toBeNull()
  })

  test('survives a silence that Bun would cut, with a comment every ten seconds', async () => {
    const reader = await stream('say nothing for long')
    expect((await reader.until('RUN_FINISHED')).event.output).toBe('hm yes')
    expect(reader.comments).toEqual([': '])
  }, 60_000)

  test('ends within seconds of the sign-out of its session; the run goes on and is kept', async () => {
    const second = await app.call('POST', '/auth/sessions', { email: alice.email, password: alice.password })
    const reader = await stream('sign me out', second.body)
    const session_id = (await reader.next())!.event.session_id!
    await reader.until('TEXT_MESSAGE_CONTENT')
    await app.call('DELETE', '/auth/sessions', { refresh_token: second.body.refresh_token })
    const start = performance.now()
    const { id, event } = await reader.until('RUN_ERROR')
    expect([id, event.code, await reader.next()]).toEqual([null, 'unauthenticated', null])
    expect(performance.now() - start).toBeLessThan(3000)
    gate('signed out').resolve()
    expect(await untilEnded(session_id, 'sign me out')).toEqual(['sign me out', 'some more'])
  }, 60_000)
})

test('a stream that ends with its session between two messages closes none again', async () => {
  const second = await app.call('POST', '/auth/sessions', { email: alice.email, password: alice.password })
  const reader = await stream('sign me out between', second.body)
  await reader.until('TOOL_CALL_RESULT')
  await app.call('DELETE', '/auth/sessions', { refresh_token: second.body.refresh_token })
  expect((await reader.rest()).map(({ event }) => event.type)).toEqual(['RUN_ERROR'])
}, 60_000)

describe.concurrent('a JSON answer', () => {
  test('is for nobody whose session has ended meanwhile', async () => {
    const second = await app.call('POST', '/auth/sessions', { email: alice.email, password: alice.password })
    const session_id = crypto.randomUUID()
    const body = { message: 'sign me out of the JSON', session_id }
    const answer = app.as(second.body)('POST', '/agent-chats', body)
    while (!app.services.agentChats.answering(alice.user.id, session_id)) await Bun.sleep(5)
    await app.call('DELETE', '/auth/sessions', { refresh_token: second.body.refresh_token })
    gate('signed out of the JSON').resolve()
    expect([(await answer).status, (await answer).body.events]).toEqual([401, undefined])
  })
})

describe.concurrent('a reader who leaves', () => {
  test('loses nothing: the answer is finished and kept', async () => {
    const reader = await stream('I will leave')
    const session_id = (await reader.next())!.event.session_id!
    await reader.until('TEXT_MESSAGE_CONTENT')
    reader.leave()
    await Bun.sleep(50)
    gate('left').resolve()
    expect(await untilEnded(session_id, 'I will leave')).toEqual(['I will leave', 'kept to the end'])
    expect(raw.aborted).not.toContain('I will leave')
  })

  test('loses nothing of a JSON answer either', async () => {
    const session_id = crypto.randomUUID()
    const leave = new AbortController()
    const answer = fetch(`${app.url}/api/v1/agent-chats`, {
      method: 'POST',
      headers: { authorization: `Bearer ${alice.access_token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ message: 'I will leave at once', session_id }),
      signal: leave.signal,
    }).catch(error => error.name)
    while (!app.services.agentChats.answering(alice.user.id, session_id)) await Bun.sleep(5)
    leave.abort()
    expect(await answer).toBe('AbortError')
    gate('left at once').resolve()
    expect(await untilEnded(session_id, 'I will leave at once')).toEqual([
      'I will leave at once',
      'kept, too',
    ])
  })
})

describe.concurrent('a reader who is slow', () => {
  test('holds up nobody, and still gets all of it', async () => {
    const session_id = crypto.randomUUID()
    const reader = await stream('a great deal', alice, session_id)
    const { id } = (await reader.next())!
    expect(id).toBe(1)
    // The run does not wait for its reader.
    expect(await untilEnded(session_id, 'a great deal')).toEqual([
      'a great deal',
      `${'x'.repeat(4000)} `.repeat(1000),
    ])
    const arrived = await reader.rest()
    expect(arrived.map(({ event }) => event.delta ?? '').join('').length).toBe(4_001_000)
    expect(arrived.every(({ event }) => (event.delta?.length ?? 0) <= 4096)).toBe(true)
    expect(arrived.at(-1)).toMatchObject({ id: 1 + 1 + 4_001_000 + 2, event: { type: 'RUN_FINISHED' } })
  }, 60_000)
})

describe.concurrent('stopping the server', () => {
  test('lets answers end that make it in time, breaks off the others, keeps both, takes no more', async () => {
    const app = await startApp(raw.environment)
    const bob = await app.newUser()
    const open = (message: string) => openEventStream(app.url, bob.access_token, { message })
    const [quick, endless] = [await open('just in time'), await open('stop before the end')]
    const { event } = await endless.until('RUN_STARTED')
    await Promise.all([quick.until('TEXT_MESSAGE_CONTENT'), endless.until('TEXT_MESSAGE_CONTENT')])
    const inLine = await openEventStream(app.url, bob.access_token, {
      message: 'be brief',
      session_id: event.session_id,
      on_conflict: 'enqueue',
    })
    const stopped = app.services.runner.stop(3000)
    const refused = await app.as(bob)('POST', '/agent-chats', { message: 'be brief' })
    expect([refused.status, refused.body.code]).toEqual([503, 'stopping'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await quick.until('RUN_FINISHED')).event.output).toBe('slow but whole')
    const broken = await endless.rest()
    expect(broken.map(({ event }) => event.type)).toEqual(['TEXT_MESSAGE_END', 'RUN_ERROR'])
    expect(broken.at(-1)?.event.code).toBe('run_interrupted')
    expect((await inLine.rest()).map(({ event }) => event.code)).toEqual(['run_interrupted'])
    await stopped
    await app.stop()
    await raw.untilAborted('stop before the end')
  })
})

describe.concurrent('a connection without a sound', () => {
  // Bun counts in steps of four seconds.
  const idleSeconds = 8
  const raw = startRawModel({
    'think it over': async function* () {
      yield ': hm\n\n'
      await Bun.sleep((idleSeconds + 5) * 1000)
      yield word('yes') + end
    },
    // Six bytes a character in JSON: more than any socket takes.
    'say more than I can take': async function* () {
      for (let n = 0; n < 100; n++) yield word('\u0001'.repeat(40_000))
      yield end
    },
  })
  let app: TestApp
  let alice: Person
  beforeAll(async () => {
    app = await startApp(raw.environment, { idleSeconds })
    alice = await app.newUser()
  })
  afterAll(async () => {
    await app.stop()
    await raw.stop()
  })

  // Parley does nothing for it: Bun counts the silence of those alone that came without a body.
  test('is not cut while it waits for its JSON answer', async () => {
    const messages = [{ role: 'user', content: 'think it over' }]
    const [own, openai] = await Promise.all([
      app.as(alice)('POST', '/agent-chats', { message: 'think it over' }),
      app.as(alice)('POST', '/openai/chat/completions', { messages }),
    ])
    expect([own.status, own.body.output]).toEqual([200, 'yes'])
    expect([openai.status, openai.body.choices[0].message.content]).toEqual([200, 'yes'])
  }, 60_000)

  test('is cut where its reader never reads; the answer is kept', async () => {
    const bob = await app.newUser()
    const session_id = crypto.randomUUID()
    const body = JSON.stringify({ message: 'say more than I can take', session_id })
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1')
    socket.pause()
    const before = app.pending()
    socket.write(
      [
        'POST /api/v1/agent-chats HTTP/1.1',
        'Host: localhost',
        `Authorization: Bearer ${bob.access_token}`,
        'Accept: text/event-stream',
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
        '',
        body,
      ].join('\r\n'),
    )
    const { agentChats } = app.services
    let run = agentChats.answering(bob.user.id, session_id)
    for (; !run; run = agentChats.answering(bob.user.id, session_id)) await Bun.sleep(5)
    expect(app.pending()).toBeGreaterThan(before)
    await run.ended
    // With those of the test beside, which are over before long.
    while (app.pending() > 0) await Bun.sleep(50)
    socket.destroy()
    const kept = await followRun(app.url, bob.access_token, session_id, run.id)
    const said = (await kept.rest()).map(({ event }) => event.delta ?? '').join('')
    expect(said.length).toBe(100 * 40_000)
  }, 60_000)
})

describe('a character that comes in two halves', () => {
  const [one, two] = ['\ud83d', '\ude00']
  const call = (args: string) =>
    chunk({
      tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'none', arguments: args } }],
    })
  const thinking = (type: string, rest: object) =>
    `data: ${JSON.stringify({ type, output_index: 0, ...rest })}\n\n`
  const summary = 'response.reasoning_summary_text.delta'
  const item = { type: 'reasoning', id: 'rs_1', summary: [] }

  test.each(apis)('is told as one, in words, thoughts and arguments, over the %s API', async api => {
    const { begin, word, end } = speech[api]
    const raw = startRawModel(
      {
        'in halves': async function* () {
          yield begin
          for (const piece of ['a', one, `${two}b${one}`, two]) yield word(piece)
          yield end
        },
        'half of it': async function* () {
          yield begin + word(`${two}a${one}b`) + word(`c${one}`) + end
        },
        think: async function* () {
          yield thinking('response.output_item.added', { item })
          for (const delta of [`a${one}`, two])
            yield thinking(summary, { item_id: 'rs_1', summary_index: 0, delta })
          yield begin + word('b') + end
        },
        call: async function* () {
          if (raw.requests.length > 1) yield word('ok') + end
          else yield call(`{"a":"${one}`) + call(`${two}"}`) + chunk({}, 'tool_calls')
        },
      },
      api,
    )
    const app = await startApp(raw.environment)
    const bob = await app.newUser()
    const said = async (message: string) => {
      raw.requests.length = 0
      const reader = await openEventStream(app.url, bob.access_token, { message })
      const pieces = (await reader.rest())
        .map(({ event }) => event.delta ?? event.reasoning ?? event.args ?? '')
        .filter(Boolean)
      for (const piece of pieces) expect(piece.isWellFormed()).toBe(true)
      return pieces.join('')
    }
    expect(await said('in halves')).toBe('a😀b😀')
    expect(await said('half of it')).toBe('\ufffda\ufffdbc\ufffd')
    if (api === 'responses') expect(await said('think')).toBe('a😀b')
    else expect(await said('call')).toBe('{"a":"😀"}ok')
    await app.stop()
    await raw.stop()
  })
})
