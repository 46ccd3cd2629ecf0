import { Database as Sqlite } from 'bun:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { startApp, type TestApp } from '../harness/app.ts'
import { followRun, openEventStream } from '../harness/event-stream.ts'
import { startExecutable, tidy } from '../harness/executable.ts'
import { heldAnswers } from '../harness/held-answers.ts'
import { end, startRawModel, toolCalls, word } from '../harness/model.ts'
import { stopwatch } from '../harness/stopwatch.ts'

type Person = Awaited<ReturnType<TestApp['newUser']>>

const { slowly, letGo } = heldAnswers()

let raw: ReturnType<typeof startRawModel>
let app: TestApp
let alice: Person
let mallory: Person
let answers = 0
beforeAll(async () => {
  raw = startRawModel({
    ...Object.fromEntries(
      ['resume', 'stop', 'busy', 'interrupted', 'keyed', 'reader'].map(name => [name, slowly(name)]),
    ),
    'second message': async function* () {
      yield word('second answer') + end
    },
    'many words': async function* () {
      for (let n = 0; n < 40; n++) yield word(`w${n}😀 `)
      yield end
    },
    again: async function* () {
      yield word(`answer ${++answers}`) + end
    },
    edited: async function* () {
      yield word('to the edited') + end
    },
  })
  app = await startApp({ ...raw.environment, AGENT_MAX_RUNS: '20' })
  alice = await app.newUser()
  mallory = await app.newUser()
})
afterAll(async () => {
  await app.stop()
  await raw.stop()
  await tidy()
})

const send = (body: object, headers = {}) => app.as(alice)('POST', '/agent-chats', body, headers)
const stream = (body: object, headers = {}) => openEventStream(app.url, alice.access_token, body, headers)
const follow = (session: string, run: string, after?: number, who = alice) =>
  followRun(app.url, who.access_token, session, run, after)
const started = async (body: object, headers = {}) => {
  const reader = await stream(body, headers)
  const { event } = await reader.until('RUN_STARTED')
  return { reader, session: event.session_id!, run: event.run_id! }
}
const runOf = (session: string, run: string, who = alice) =>
  app.as(who)('GET', `/agent-chats/${session}/runs/${run}`)

/** Nothing is kept until it is let go: what was asked for meanwhile is all under way at once. */
async function holdingTheDisk<T>(
  { dataDir }: TestApp,
  step: (release: () => void) => Promise<T>,
): Promise<T> {
  const foreign = new Sqlite(join(dataDir, 'parley.db'))
  foreign.run('BEGIN IMMEDIATE')
  return step(() => foreign.run('ROLLBACK')).finally(() => foreign.close())
}

describe('GET /agent-chats/{session_id}/runs/{run_id}/events', () => {
  test('tells a run from any place on, nothing lost or doubled, while it goes on and after its end', async () => {
    const { reader, session, run } = await started({ message: 'many words' })
    const all = [await reader.rest()].flat()
    const text = all.map(({ event }) => event.delta ?? '').join('')
    const last = all.at(-1)!.id!
    for (let after = 0; after < last; after += 7) {
      const follower = await follow(session, run, after)
      const rest = await follower.rest()
      expect(rest[0]!.id!).toBeGreaterThan(after)
      expect(rest.at(-1)).toMatchObject({ id: last, event: { type: 'RUN_FINISHED', output: text } })
      const said = rest.map(({ event }) => event.delta ?? '').join('')
      expect(said).toBe(text.slice(Math.max(0, Math.min(after - 2, text.length))))
    }
    expect((await follow(session, run, last)).response.status).toBe(204)
    expect((await follow(session, run, last + 5)).response.status).toBe(204)
  })

  test('goes on where a reader left off, for any number of followers at once', async () => {
    const { reader, session, run } = await started({ message: 'resume' })
    const cut = await reader.until('TEXT_MESSAGE_CONTENT')
    reader.leave()
    const followers = await Promise.all([...Array(10)].map(() => follow(session, run, cut.id!)))
    await letGo('resume')
    for (const follower of followers) {
      const rest = await follower.rest()
      expect(rest.map(({ event }) => event.type)).toEqual([
        'TEXT_MESSAGE_CONTENT',
        'TEXT_MESSAGE_END',
        'RUN_FINISHED',
      ])
      expect(rest[0]!.event.delta).toBe('last')
    }
  })

  test("is 404 for another's run, an unknown one, and a run of another chat", async () => {
    const { reader, session, run } = await started({ message: 'second message' })
    await reader.rest()
    const other = await started({ message: 'second message' })
    await other.reader.rest()
    expect((await follow(session, run, 0, mallory)).response.status).toBe(404)
    expect((await follow(other.session, run)).response.status).toBe(404)
    expect((await follow(session, crypto.randomUUID())).response.status).toBe(404)
    for (const path of ['', '/cancel', `/approvals/${crypto.randomUUID()}`]) {
      const [method, body] = path ? ['POST', { approved: true }] : ['GET', undefined]
      const answer = await app.as(mallory)(method, `/agent-chats/${session}/runs/${run}${path}`, body)
      expect([answer.status, answer.body.code]).toEqual([404, 'run_not_found'])
    }
  })

  test.each(['x', '-1', '1.5'])('is 422 where the place is %s', async after => {
    const answer = await app.as(alice)(
      'GET',
      `/agent-chats/${crypto.randomUUID()}/runs/${crypto.randomUUID()}/events`,
      undefined,
      { 'last-event-id': after },
    )
    expect(answer.status).toBe(422)
  })

  test('ends within seconds of the sign-out of its session', async () => {
    const eve = await app.newUser()
    const reader = await openEventStream(app.url, eve.access_token, { message: 'reader' })
    const { event } = await reader.until('RUN_STARTED')
    const follower = await followRun(app.url, eve.access_token, event.session_id!, event.run_id!)
    await follower.until('TEXT_MESSAGE_CONTENT')
    await app.call('DELETE', '/auth/sessions', { refresh_token: eve.refresh_token })
    const rest = await follower.rest()
    expect(rest.map(({ event }) => event.type)).toEqual(['TEXT_MESSAGE_END', 'RUN_ERROR'])
    expect(rest.at(-1)!.event.code).toBe('unauthenticated')
    await letGo('reader')
  })
})

describe('POST /agent-chats/{session_id}/runs/{run_id}/cancel', () => {
  test('closes the call of the model, keeps what was said, and ends the run as cancelled; again, it changes nothing', async () => {
    const { reader, session, run } = await started({ message: 'stop' })
    await reader.until('TEXT_MESSAGE_CONTENT')
    const took = stopwatch()
    const cancelled = await app.as(alice)('POST', `/agent-chats/${session}/runs/${run}/cancel`)
    expect([cancelled.status, cancelled.body.status, cancelled.body.error.code]).toEqual([
      200,
      'cancelled',
      'run_cancelled',
    ])
    await raw.untilAborted('stop')
    expect(took()).toBeLessThan(2000)
    const rest = await reader.rest()
    expect(rest.map(({ event }) => event.type)).toEqual(['TEXT_MESSAGE_END', 'RUN_ERROR'])
    expect(rest.at(-1)!.event.code).toBe('run_cancelled')

    const again = await app.as(alice)('POST', `/agent-chats/${session}/runs/${run}/cancel`)
    expect(again.body).toEqual(cancelled.body)
    const replay = await (await follow(session, run)).rest()
    expect(replay.map(({ event }) => event.delta).filter(Boolean)).toEqual(['first '])
    await send({ message: 'second message', session_id: session })
    expect(promptOf('second message')).toEqual(['stop', 'first ', 'second message'])
  })

  test('in JSON, the stopped run is 409 run_cancelled with what there was', async () => {
    const session_id = crypto.randomUUID()
    const answer = send({ message: 'stop', session_id })
    let run: string | undefined
    while (!run) {
      await Bun.sleep(5)
      run = app.services.agentChats.answering(alice.user.id, session_id)?.id
    }
    await app.as(alice)('POST', `/agent-chats/${session_id}/runs/${run}/cancel`)
    const { status, body } = await answer
    expect([status, body.code, body.session_id, body.run_id]).toEqual([409, 'run_cancelled', session_id, run])
    expect(body.events.at(-1)).toMatchObject({ type: 'RUN_ERROR', code: 'run_cancelled' })
  })
})

describe('on_conflict', () => {
  test('left out, a second message is 409', async () => {
    const { reader, session } = await started({ message: 'busy' })
    await reader.until('TEXT_MESSAGE_CONTENT')
    const second = await send({ message: 'second message', session_id: session })
    expect([second.status, second.body.code]).toEqual([409, 'run_in_progress'])
    await letGo('busy')
    await reader.rest()
  })

  test('enqueue: it is answered after the one before, which it sees', async () => {
    const { reader, session } = await started({ message: 'busy' })
    const second = stream({ message: 'second message', session_id: session, on_conflict: 'enqueue' })
    await Bun.sleep(50)
    await letGo('busy')
    await reader.rest()
    const rest = await (await second).rest()
    expect(rest.at(-1)!.event).toMatchObject({ type: 'RUN_FINISHED', output: 'second answer' })
    expect(promptOf('second message')).toEqual(['busy', 'first last', 'second message'])
  })

  test('interrupt: the one before is cancelled, and what it said stays', async () => {
    const { reader, session, run } = await started({ message: 'interrupted' })
    await reader.until('TEXT_MESSAGE_CONTENT')
    const second = await send({ message: 'second message', session_id: session, on_conflict: 'interrupt' })
    expect([second.status, second.body.output]).toEqual([200, 'second answer'])
    expect((await runOf(session, run)).body.status).toBe('cancelled')
    expect(promptOf('second message')).toEqual(['interrupted', 'first ', 'second message'])
  })

  test('interrupt: what is refused interrupts nobody', async () => {
    const mine = Bun.randomUUIDv7()
    const { reader, session, run } = await started({ message: 'interrupted', message_id: mine })
    await reader.until('TEXT_MESSAGE_CONTENT')
    for (const [wrong, code] of [
      [{ replaces: Bun.randomUUIDv7() }, 'message_not_found'],
      [{ message_id: mine }, 'message_id_taken'],
    ] as const) {
      const body = { message: 'second message', session_id: session, on_conflict: 'interrupt', ...wrong }
      expect((await send(body)).body.code).toBe(code)
      expect((await runOf(session, run)).body.status).toBe('running')
    }
    await app.as(alice)('POST', `/agent-chats/${session}/runs/${run}/cancel`)
  })

  test('interrupt takes the place of the one before, where a user may have no more', async () => {
    const one = await startApp({ ...raw.environment, AGENT_MAX_RUNS: '1' })
    const bob = await one.newUser()
    const reader = await openEventStream(one.url, bob.access_token, { message: 'interrupted' })
    const { event } = await reader.until('RUN_STARTED')
    // One that got no answer at all is joined to the next.
    await reader.until('TEXT_MESSAGE_CONTENT')
    const next = { message: 'second message', session_id: event.session_id! }
    const interrupting = await one.as(bob)('POST', '/agent-chats', { ...next, on_conflict: 'interrupt' })
    expect([interrupting.status, interrupting.body.output]).toEqual([200, 'second answer'])
    await one.stop()
  })

  test('a queued run can be cancelled before its turn', async () => {
    const { reader, session } = await started({ message: 'busy' })
    const queued = await stream({ message: 'second message', session_id: session, on_conflict: 'enqueue' })
    const id = new Sqlite(join(app.dataDir, 'parley.db'))
      .query("SELECT id FROM runs WHERE chat_id = ? AND status = 'queued'")
      .get(session) as { id: string }
    expect((await runOf(session, id.id)).body.status).toBe('queued')
    const cancel = () => app.as(alice)('POST', `/agent-chats/${session}/runs/${id.id}/cancel`)
    for (const { body } of await Promise.all([cancel(), cancel()])) expect(body.status).toBe('cancelled')
    expect((await queued.rest()).map(({ event }) => event.code)).toEqual(['run_cancelled'])
    await letGo('busy')
    expect((await reader.rest()).at(-1)!.event.type).toBe('RUN_FINISHED')
    await send({ message: 'second message', session_id: session })
    expect(promptOf('second message')).toEqual(['busy', 'first last', 'second message'])
  })
})

describe('the id of a message, chosen by the client', () => {
  type Named = { session: string; id: string }
  const wires: Record<string, (named: Named) => [path: string, body: object]> = {
    'POST /agent-chats': ({ session, id }) => [
      '/agent-chats',
      { message: 'edited', message_id: id, session_id: session, on_conflict: 'enqueue' },
    ],
    'POST /agent-chats/ui': ({ session, id }) => [
      '/agent-chats/ui',
      {
        id: session,
        messages: [{ id, role: 'user', parts: [{ type: 'text', text: 'edited' }] }],
        on_conflict: 'enqueue',
      },
    ],
    'POST /agent-chats/ag-ui': ({ session, id }) => [
      '/agent-chats/ag-ui?on_conflict=enqueue',
      { threadId: session, runId: crypto.randomUUID(), messages: [{ id, role: 'user', content: 'edited' }] },
    ],
  }
  const post = async ([path, body]: [path: string, body: object]) => {
    const left = new AbortController()
    const answer = await fetch(`${app.url}/api/v1${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${alice.access_token}`,
        'content-type': 'application/json',
        accept: 'text/event-stream',
      },
      body: JSON.stringify(body),
      signal: left.signal,
    })
    const code = answer.ok ? null : ((await answer.json()) as { code: string }).code
    left.abort()
    return [answer.status, code]
  }
  const queuedIn = (session: string) =>
    new Sqlite(join(app.dataDir, 'parley.db'))
      .query<{ id: string }, [string]>("SELECT id FROM runs WHERE chat_id = ? AND status = 'queued'")
      .all(session)
  /** A chat that is answering, with one more message in line. */
  const busyChat = async (message_id: string) => {
    const { reader, session, run } = await started({ message: 'busy' })
    await reader.until('TEXT_MESSAGE_CONTENT')
    const queued = await stream({
      message: 'second message',
      message_id,
      session_id: session,
      on_conflict: 'enqueue',
    })
    const [{ id }] = queuedIn(session) as [{ id: string }]
    const answerOf = async (run: string) => (await runOf(session, run)).body.answer_id as string
    return { reader, session, queued, running: await answerOf(run), coming: await answerOf(id) }
  }

  test.each(Object.entries(wires))(
    'is refused at once by %s where it is promised to an answer, or to another message in line',
    async (_, request) => {
      const inLine = `in-line-${crypto.randomUUID()}`
      const { reader, session, queued, running, coming } = await busyChat(inLine)
      for (const id of [coming, running, inLine])
        expect(await post(request({ session, id }))).toEqual([409, 'message_id_taken'])
      expect(queuedIn(session).length).toBe(1)
      // Of another chat it may be had.
      expect(await post(request({ session: crypto.randomUUID(), id: coming }))).toEqual([200, null])
      await letGo('busy')
      await reader.rest()
      await queued.rest()
      const { body } = await app.as(alice)('GET', `/agent-chats/${session}/messages`)
      const ids = body.messages.map(({ id }: { id: string }) => id)
      expect(ids.slice(0, 3)).toEqual([coming, inLine, running])
    },
  )

  test('is refused at once where a message of the chat has it, also for one that would be queued', async () => {
    const { body } = await send({ message: 'edited', message_id: 'mine-5' })
    const { reader, session } = await started({ message: 'busy', session_id: body.session_id })
    await reader.until('TEXT_MESSAGE_CONTENT')
    expect(await post(wires['POST /agent-chats']!({ session, id: 'mine-5' }))).toEqual([
      409,
      'message_id_taken',
    ])
    expect(queuedIn(session)).toEqual([])
    await letGo('busy')
    await reader.rest()
  })
})

describe('Idempotency-Key', () => {
  test('the same key and body is the same run, at once and later; another body is 422', async () => {
    const key = { 'idempotency-key': crypto.randomUUID() }
    const one = started({ message: 'keyed' }, key)
    const two = started({ message: 'keyed' }, key)
    const [first, second] = await Promise.all([one, two])
    expect([second.session, second.run]).toEqual([first.session, first.run])
    await letGo('keyed')
    await Promise.all([first.reader.rest(), second.reader.rest()])
    const later = await send({ message: 'keyed' }, key)
    expect([later.status, later.body.session_id, later.body.output]).toEqual([
      200,
      first.session,
      'first last',
    ])
    const other = await send({ message: 'second message' }, key)
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused'])
    expect(raw.requests.filter(({ body }) => JSON.stringify(body).includes('"keyed"')).length).toBe(1)
    const hers = await app.as(mallory)('POST', '/agent-chats', { message: 'second message' }, key)
    expect(hers.status).toBe(200)
  })

  test('of a message that was refused, may be tried again', async () => {
    const key = { 'idempotency-key': crypto.randomUUID() }
    const { reader, session } = await started({ message: 'busy' })
    const again = () => send({ message: 'second message', session_id: session }, key)
    expect((await again()).status).toBe(409)
    await letGo('busy')
    await reader.rest()
    expect((await again()).status).toBe(200)
  })
})

describe('regenerating and editing', () => {
  test('a message is answered again: the model sees neither the former answer nor what came after', async () => {
    const first = await send({ message: 'again', message_id: 'mine-1' })
    const session = first.body.session_id
    await send({ message: 'second message', session_id: session })
    const again = await app.as(alice)('POST', `/agent-chats/${session}/regenerate`, { message_id: 'mine-1' })
    expect([again.status, first.body.output, again.body.output]).toEqual([200, 'answer 1', 'answer 2'])
    expect(promptOf('again')).toEqual(['again'])
    await send({ message: 'second message', session_id: session })
    expect(promptOf('second message')).toEqual(['again', 'answer 2', 'second message'])
    const byAnswer = { message_id: first.body.events[1].message_id }
    const third = await app.as(alice)('POST', `/agent-chats/${session}/regenerate`, byAnswer)
    expect(third.body.output).toBe('answer 3')
  })

  test('an edited message comes instead of the former', async () => {
    const first = await send({ message: 'second message', message_id: 'mine-2' })
    const session_id = first.body.session_id
    const edited = await send({ message: 'edited', session_id, replaces: 'mine-2' })
    expect([edited.status, edited.body.output]).toEqual([200, 'to the edited'])
    expect(promptOf('edited')).toEqual(['edited'])
  })

  test.each([
    ['an unknown message', () => ({ replaces: 'nowhere' }), 404, 'message_not_found'],
    ['an id that is there', () => ({ message_id: 'mine-3' }), 409, 'message_id_taken'],
  ])('%s is refused, and changes nothing', async (_, wrong, status, code) => {
    const first = await send({ message: 'again', message_id: 'mine-3' })
    const session_id = first.body.session_id
    const answer = await send({ message: 'edited', session_id, ...wrong() })
    expect([answer.status, answer.body.code]).toEqual([status, code])
    await send({ message: 'second message', session_id })
    expect(promptOf('second message')).toEqual(['again', first.body.output, 'second message'])
  })
})

test('a message that is refused while the model is asked already is not answered on', async () => {
  const { body } = await send({ message: 'again', message_id: 'mine-4' })
  const times = (messages: string[]) => messages.filter(message => message === 'stop').length
  const asked = () => times(raw.requests.map(({ body }) => textsOf(body).at(-1)!))
  const before = { asked: asked(), aborted: times(raw.aborted) }
  const refused = await holdingTheDisk(app, async release => {
    const refused = send({ message: 'stop', message_id: 'mine-4', session_id: body.session_id })
    while (asked() === before.asked) await Bun.sleep(5)
    release()
    return refused
  })
  expect([refused.status, refused.body.code]).toEqual([409, 'message_id_taken'])
  while (times(raw.aborted) === before.aborted) await Bun.sleep(5)
})

/** What the model was sent with this message last, without the instructions. */
function promptOf(message: string): string[] {
  const request = raw.requests.findLast(({ body }) => textsOf(body).at(-1) === message)
  return textsOf(request!.body)
}
const textsOf = (body: Record<string, unknown>) =>
  (body.messages as Array<{ role: string; content: string }>)
    .filter(({ role }) => role !== 'system' && role !== 'developer')
    .map(({ content }) => content)

describe('a tool that needs approval', () => {
  let app: TestApp
  let carol: Person
  let model: ReturnType<typeof startRawModel>
  const said = (body: Record<string, unknown>) => JSON.stringify(body.messages)
  beforeAll(async () => {
    model = startRawModel(
      Object.fromEntries(
        ['change my bio', 'twice'].map(message => [
          message,
          async function* () {
            const results = said(model.requests.at(-1)!.body).match(/"role":"tool"/g)?.length ?? 0
            yield results > 0
              ? word('Done.') + end
              : toolCalls({ name: 'update_my_profile', args: { bio: message } })
          },
        ]),
      ),
    )
    app = await startApp(model.environment)
    carol = await app.newUser()
  })
  afterAll(async () => {
    await app.stop()
    await model.stop()
  })
  const bio = async () => (await app.as(carol)('GET', '/users/me')).body.bio
  const ask = async (message: string) => {
    const { body } = await app.as(carol)('POST', '/agent-chats', { message })
    const ending = body.events.at(-1)
    return {
      session: body.session_id as string,
      run: ending.run_id as string,
      ending,
      id: ending.interrupts?.[0]?.id,
    }
  }
  const answer = (at: { session: string; run: string; id: string }, body: object, headers = {}) =>
    app.as(carol)('POST', `/agent-chats/${at.session}/runs/${at.run}/approvals/${at.id}`, body, headers)

  test('waits, is carried out once it is approved, and the run goes on under its id', async () => {
    const asked = await ask('change my bio')
    expect(asked.ending).toMatchObject({
      type: 'RUN_FINISHED',
      outcome: 'interrupt',
      interrupts: [{ tool_name: 'update_my_profile', waits_for: 'approval' }],
    })
    expect(await bio()).toBeNull()
    const state = await app.as(carol)('GET', `/agent-chats/${asked.session}/runs/${asked.run}`)
    expect([state.body.status, state.body.interrupts[0].id]).toEqual(['waiting', asked.id])

    const went = await answer(asked, { approved: true }, { accept: 'text/event-stream' })
    expect([...went.body.matchAll(/"type":"(\w+)"/g)].map(([, type]) => type)).toEqual([
      'RUN_STARTED',
      'TOOL_CALL_RESULT',
      'TEXT_MESSAGE_START',
      'TEXT_MESSAGE_CONTENT',
      'TEXT_MESSAGE_END',
      'RUN_FINISHED',
    ])
    expect(await bio()).toBe('change my bio')
    const twice = await answer(asked, { approved: true })
    expect([twice.status, twice.body.code]).toEqual([409, 'call_answered'])
  })

  test('denied, it is not carried out, and the model is told why', async () => {
    const asked = await ask('twice')
    const before = await bio()
    await answer(asked, { approved: false, reason: 'not like this' }, { accept: 'text/event-stream' })
    expect(await bio()).toBe(before)
    expect(said(model.requests.at(-1)!.body)).toContain('not like this')
    const { rest } = await followRun(app.url, carol.access_token, asked.session, asked.run)
    const result = (await rest()).find(({ event }) => event.type === 'TOOL_CALL_RESULT')
    expect(result!.event).toMatchObject({ code: 'tool_denied', result: null })
  })

  test('answered twice at once, counts once', async () => {
    const asked = await ask('change my bio')
    const both = await Promise.all([answer(asked, { approved: true }), answer(asked, { approved: false })])
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409])
  })

  test('a new message ends the wait: the call is not carried out any more', async () => {
    const asked = await ask('twice')
    const next = await app.as(carol)('POST', '/agent-chats', { message: 'twice', session_id: asked.session })
    expect(next.status).toBe(200)
    const late = await answer(asked, { approved: true })
    expect([late.status, late.body.code]).toEqual([409, 'call_answered'])
    const state = await app.as(carol)('GET', `/agent-chats/${asked.session}/runs/${asked.run}`)
    expect(state.body.status).toBe('cancelled')
  })

  test('goes on waiting where a message is refused', async () => {
    const mine = Bun.randomUUIDv7()
    const first = { message: 'twice', message_id: mine }
    const { body } = await app.as(carol)('POST', '/agent-chats', first)
    const path = `/agent-chats/${body.session_id}/runs/${body.events.at(-1).run_id}`
    for (const on_conflict of ['reject', 'enqueue', 'interrupt']) {
      const again = { ...first, session_id: body.session_id, on_conflict }
      expect((await app.as(carol)('POST', '/agent-chats', again)).body.code).toBe('message_id_taken')
      expect((await app.as(carol)('GET', path)).body.status).toBe('waiting')
    }
    await app.as(carol)('POST', `${path}/cancel`)
  })

  describe('cancelled while it waits', () => {
    const cancel = (at: { session: string; run: string }) =>
      app.as(carol)('POST', `/agent-chats/${at.session}/runs/${at.run}/cancel`)
    /** Whatever the day has become meanwhile. */
    const used = async () => {
      const [from, to] = [-1, 1].map(days =>
        new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10),
      )
      return (await app.as(carol)('GET', `/users/me/usage?from=${from}&to=${to}`)).body.total
    }
    const answering = async (session: string) => {
      while (!app.services.agentChats.answering(carol.user.id, session)) await Bun.sleep(1)
    }

    test('is cancelled, and no answer to its call is taken any more', async () => {
      const asked = await ask('twice')
      const before = [await bio(), await used()]
      expect((await cancel(asked)).body.status).toBe('cancelled')
      const late = await answer(asked, { approved: true })
      expect([late.status, late.body.code]).toEqual([409, 'call_answered'])
      expect([await bio(), await used()]).toEqual(before)
    })

    test('is cancelled as well if a new message is just about to end the wait, and counts once', async () => {
      const asked = await ask('twice')
      const before = await used()
      const [cancelled, next] = await holdingTheDisk(app, async release => {
        const next = app.as(carol)('POST', '/agent-chats', { message: 'twice', session_id: asked.session })
        await answering(asked.session)
        const cancelled = cancel(asked)
        await Promise.race([cancelled, Bun.sleep(200)])
        release()
        return Promise.all([cancelled, next])
      })
      expect([cancelled.status, cancelled.body.status]).toEqual([200, 'cancelled'])
      expect(next.status).toBe(200)
      const { usage } = (
        await app.as(carol)('GET', `/agent-chats/${asked.session}/runs/${next.body.events[0].run_id}`)
      ).body
      const after = await used()
      expect(after.output_tokens).toBe(before.output_tokens + usage.output_tokens)
      expect(after.input_tokens).toBe(before.input_tokens + usage.input_tokens)
    })

    test('is cancelled as well if an answer to its call takes it up at the same moment', async () => {
      const asked = await ask('twice')
      const cancelled = await holdingTheDisk(app, async release => {
        const approved = answer(asked, { approved: true })
        await answering(asked.session)
        const cancelled = cancel(asked)
        await Promise.race([cancelled, Bun.sleep(200)])
        release()
        await approved
        return cancelled
      })
      expect([cancelled.status, cancelled.body.status]).toEqual([200, 'cancelled'])
    })
  })

  test('gone on with from another answer, the chat stays there when the wait ends', async () => {
    const asked = await ask('twice')
    const path = `/agent-chats/${asked.session}`
    const { body } = await app.as(carol)('GET', `${path}/messages`)
    const question = body.messages.at(-1).id
    await app.as(carol)('PATCH', path, { head_message_id: question })
    const other = { message: 'twice', session_id: asked.session, replaces: question }
    await app.as(carol)('POST', '/agent-chats', other)
    const { body: after } = await app.as(carol)('GET', `${path}/messages`)
    expect(after.messages.at(-1).id).not.toBe(question)
  })

  test('an id that nothing waits under is 404, also where another run waits', async () => {
    const [one, other] = [await ask('change my bio'), await ask('change my bio')]
    const wrong = await answer({ ...one, id: other.id }, { approved: true })
    expect([wrong.status, wrong.body.code]).toEqual([404, 'call_not_found'])
  })

  test('the wait survives a restart', async () => {
    const asked = await ask('change my bio')
    await app.as(carol)('PATCH', '/users/me', { bio: 'before' })
    await app.stop({ keep: true })
    app = await startApp(model.environment, { dataDir: app.dataDir })
    await answer(asked, { approved: true }, { accept: 'text/event-stream' })
    expect(await bio()).toBe('change my bio')
  })
})

describe('a tool of the client', () => {
  const tools = [
    { name: 'show_map', parameters: { type: 'object', properties: { place: { type: 'string' } } } },
  ]
  let app: TestApp
  let model: ReturnType<typeof startRawModel>
  let dora: Person
  beforeAll(async () => {
    model = startRawModel({
      map: async function* () {
        const results = JSON.stringify(model.requests.at(-1)!.body.messages).includes('"role":"tool"')
        yield results
          ? word('There it is.') + end
          : toolCalls({ name: 'show_map', args: { place: 'Shanghai' } })
      },
    })
    app = await startApp(model.environment)
    dora = await app.newUser()
  })
  afterAll(async () => {
    await app.stop()
    await model.stop()
  })
  const give = (at: { session: string; run: string; id: string }, body: object, headers = {}) =>
    app.as(dora)('POST', `/agent-chats/${at.session}/runs/${at.run}/results/${at.id}`, body, headers)
  const ask = async () => {
    const { body } = await app.as(dora)('POST', '/agent-chats', { message: 'map', tools })
    const { run_id, interrupts } = body.events.at(-1)
    return { session: body.session_id, run: run_id, id: interrupts[0].id, interrupts }
  }

  test('is offered to the model; its call waits for the result, once, and the run goes on with it', async () => {
    const asked = await ask()
    expect(asked.interrupts).toMatchObject([{ tool_name: 'show_map', waits_for: 'client' }])
    expect(JSON.stringify(model.requests.at(-1)!.body.tools)).toContain('"show_map"')
    const answer = await give(asked, { result: 'shown' }, { accept: 'text/event-stream' })
    expect(answer.body).toContain('There it is.')
    expect(JSON.stringify(model.requests.at(-1)!.body.messages)).toContain('shown')
    const twice = await give(asked, { result: 'other' })
    expect([twice.status, twice.body.code]).toEqual([409, 'call_answered'])
  })

  test('that failed is told so to the model, and to the client as a failed tool', async () => {
    const asked = await ask()
    const answer = await give(asked, { result: 'no network', failed: true }, { accept: 'text/event-stream' })
    expect(answer.body).toContain('"code":"tool_failed"')
    expect(JSON.stringify(model.requests.at(-1)!.body.messages)).toContain('no network')
  })

  test('is neither approved, nor is an approval a result', async () => {
    const asked = await ask()
    const path = `/agent-chats/${asked.session}/runs/${asked.run}/approvals/${asked.id}`
    const approved = await app.as(dora)('POST', path, { approved: true })
    expect([approved.status, approved.body.code]).toEqual([404, 'call_not_found'])
    expect((await give({ ...asked, id: crypto.randomUUID() }, { result: 'x' })).status).toBe(404)
    expect((await give(asked, { result: 1 })).status).toBe(422)
  })

  test('may be brought when a message is answered again', async () => {
    const { session } = await ask()
    const again = await app.as(dora)('POST', `/agent-chats/${session}/regenerate`, { tools })
    expect(again.body.events.at(-1).interrupts).toMatchObject([{ tool_name: 'show_map' }])
  })
})

describe('a kill at any moment', () => {
  test('whatever event a reader got is there afterwards, and the run is closed', async () => {
    const model = startRawModel({
      talk: async function* (signal) {
        for (let n = 0; !signal.aborted; n++) {
          yield word(`w${n} `)
          if (n % 5 === 0) await Bun.sleep(1)
        }
      },
    })
    const env = { ...model.environment, DATA_DIR: 'data', MAIL: 'log' }
    let server = await startExecutable({ env })
    const bob = await server.newUser()
    for (let round = 0; round < 3; round++) {
      const reader = await openEventStream(server.url, bob.access_token, { message: 'talk' })
      const { event } = await reader.until('RUN_STARTED')
      let heard = ''
      const listening = (async () => {
        for (;;) {
          const arrived = await reader.next()
          if (!arrived) return
          heard += arrived.event.delta ?? ''
        }
      })().catch(() => {})
      while (!heard) await Bun.sleep(1)
      await Bun.sleep(50 * round)
      await server.kill()
      await listening
      server = await startExecutable({ env, cwd: server.cwd })
      const kept = await followRun(server.url, bob.access_token, event.session_id!, event.run_id!)
      const events = await kept.rest()
      const said = events.map(({ event }) => event.delta ?? '').join('')
      expect(heard.length).toBeGreaterThan(0)
      expect(said.slice(0, heard.length)).toBe(heard)
      expect(events.slice(-2).map(({ event }) => event.type)).toEqual(['TEXT_MESSAGE_END', 'RUN_ERROR'])
      expect(events.at(-1)!.event.code).toBe('run_interrupted')
    }
    const file = new Sqlite(join(server.cwd, 'data/parley.db'))
    expect(file.query("SELECT count(*) AS n FROM runs WHERE status = 'running'").get()).toEqual({ n: 0 })
    expect(file.query('SELECT count(*) AS n FROM run_record').get()).toEqual({ n: 0 })
    await server.kill()
    await model.stop()
  }, 60_000)
})
