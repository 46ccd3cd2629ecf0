import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { startApp, type TestApp } from '../harness/app.ts'
import { apis, end, startModel, startRawModel, usage, word } from '../harness/model.ts'

type Person = Awaited<ReturnType<TestApp['newUser']>>

const eventually = async <T>(what: () => Promise<T>, isSo: (value: T) => boolean): Promise<T> => {
  for (let value = await what(); ; value = await what()) {
    if (isSo(value)) return value
    await Bun.sleep(5)
  }
}

describe.each(apis)('a title by the model, over the %s API', api => {
  let model: Awaited<ReturnType<typeof startModel>>
  let app: TestApp
  let alice: Person
  beforeAll(async () => {
    model = await startModel()
    model.says('<user>\nexplain tides', { content: '**“The moon and the tides.”**\n', ...usage(30, 7) })
    model.says('<user>\nfail', { error: { message: 'no' }, status: 500 } as never)
    model.says('<user>\nsay nothing', { content: ' ', ...usage(30, 1) })
    model.says('', { content: 'It is the moon.', ...usage(10, 5) })
    app = await startApp({ ...model.environment(api), AGENT_TITLES: 'model' })
    alice = await app.newUser()
  })
  afterAll(async () => {
    await app.stop()
    await model.stop()
  })
  const ask = (method: string, path: string, body?: object) =>
    app.as(alice)(method, `/agent-chats${path}`, body)
  const titleOf = async (session: string): Promise<string> => (await ask('GET', `/${session}`)).body.title
  const titleCalls = () =>
    model.requests().filter(({ body }) => JSON.stringify(body).includes('You name conversations'))

  test('comes after the first answer, once, is found, and counts as usage', async () => {
    const before = model.told()
    const { session_id } = (await ask('POST', '', { message: 'explain tides' })).body
    const title = await eventually(
      () => titleOf(session_id),
      title => title !== 'explain tides',
    )
    expect(title).toBe('The moon and the tides')
    const { body } = await ask('GET', '?q=moon and the tides')
    expect(body.chats.map(({ id }: { id: string }) => id)).toEqual([session_id])
    const call = titleCalls().at(-1)!.body as unknown as Record<string, unknown>
    expect(call.max_tokens ?? call.max_output_tokens).toBe(64)
    expect(call.tools).toBeUndefined()

    await ask('POST', '', { message: 'and the sun?', session_id })
    await ask('POST', `/${session_id}/regenerate`, {})
    expect([titleCalls().length, await titleOf(session_id)]).toEqual([1, title])
    const { total } = (await app.as(alice)('GET', '/users/me/usage')).body
    expect(total.input_tokens + total.output_tokens).toBe(model.told() - before)
  })

  test.each(['fail', 'say nothing'])(
    'that does not come (%s) leaves the beginning of the message',
    async message => {
      const calls = titleCalls().length
      const { session_id } = (await ask('POST', '', { message })).body
      await eventually(
        async () => titleCalls().length,
        length => length > calls,
      )
      const next = await ask('POST', '', { message: 'go on', session_id })
      expect([next.status, await titleOf(session_id), titleCalls().length]).toEqual([200, message, calls + 1])
    },
  )
})

describe('a title', () => {
  let raw: ReturnType<typeof startRawModel>
  let app: TestApp
  let alice: Person
  let gate = Promise.withResolvers<void>()
  const named = (title: string) =>
    Response.json({
      id: 'x',
      object: 'chat.completion',
      created: 0,
      model: 'raw',
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: title } }],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    })
  /** Names a chat when the gate opens. */
  const slowly = () =>
    new Response(
      new ReadableStream({
        async start(controller) {
          await gate.promise
          controller.enqueue(await named('By the model').bytes())
          controller.close()
        },
      }),
      { headers: { 'content-type': 'application/json' } },
    )
  const start = (environment = {}) => startApp({ ...raw.environment, AGENT_TITLES: 'model', ...environment })
  beforeAll(async () => {
    raw = startRawModel(asked =>
      asked.startsWith('<user>')
        ? slowly
        : async function* () {
            yield word('Yes.') + (asked === 'cut off' ? '' : end)
          },
    )
    app = await start()
    alice = await app.newUser()
  })
  afterAll(async () => {
    gate.resolve()
    await app.stop()
    await raw.stop()
  })
  const close = () => {
    gate = Promise.withResolvers()
  }
  const ask = (method: string, path: string, body?: object) =>
    app.as(alice)(method, `/agent-chats${path}`, body)
  const titleOf = async (session: string): Promise<string> => (await ask('GET', `/${session}`)).body.title
  const calls = () => raw.requests.filter(({ body }) => JSON.stringify(body).includes('<user>')).length
  /** A chat whose title the model has been asked for. */
  const asked = async (message = 'hello') => {
    const before = calls()
    const { session_id } = (await ask('POST', '', { message })).body
    await eventually(
      async () => calls(),
      n => n > before,
    )
    return session_id as string
  }

  test('that is on its way holds up neither the answer nor the next message', async () => {
    close()
    const session = await asked()
    const next = await ask('POST', '', { message: 'more', session_id: session })
    expect([next.status, await titleOf(session)]).toEqual([200, 'hello'])
    gate.resolve()
    await eventually(
      () => titleOf(session),
      title => title === 'By the model',
    )
  })

  test('that the person gives stays, though the model’s comes later', async () => {
    close()
    const session = await asked()
    await ask('PATCH', `/${session}`, { title: 'hello' })
    const other = await asked()
    gate.resolve()
    await eventually(
      () => titleOf(other),
      title => title === 'By the model',
    )
    expect(await titleOf(session)).toBe('hello')
    const { chats } = (await ask('GET', '?q=by model')).body
    expect(chats.map(({ id }: { id: string }) => id)).not.toContain(session)
  })

  test('for a chat that is gone meanwhile is nobody’s', async () => {
    close()
    const session = await asked()
    await ask('DELETE', `/${session}`)
    const other = await asked()
    gate.resolve()
    await eventually(
      () => titleOf(other),
      title => title === 'By the model',
    )
    expect((await ask('GET', `/${session}`)).status).toBe(404)
  })

  test('waits for an answer that is whole', async () => {
    gate.resolve()
    const before = calls()
    const failed = await ask('POST', '', { message: 'cut off' })
    const session_id: string = failed.body.session_id
    expect([failed.status, await titleOf(session_id)]).toEqual([502, 'cut off'])
    expect(calls()).toBe(before)
    await ask('POST', '', { message: 'again', session_id })
    await eventually(
      () => titleOf(session_id),
      title => title === 'By the model',
    )
  })

  test('that is on its way when the server stops is broken off, and the first stays', async () => {
    close()
    const other = await start()
    const bob = await other.newUser()
    const before = calls()
    const { session_id } = (await other.as(bob)('POST', '/agent-chats', { message: 'hello' })).body
    await eventually(
      async () => calls(),
      n => n > before,
    )
    await other.stop({ keep: true })
    expect(raw.aborted.at(-1)).toStartWith('<user>')
    const again = await startApp(raw.environment, { dataDir: other.dataDir })
    expect((await again.as(bob)('GET', `/agent-chats/${session_id}`)).body.title).toBe('hello')
    await again.stop()
    gate.resolve()
  })

  test.each([
    ['AGENT_TITLES is message', { AGENT_TITLES: 'message' }],
    ['the demonstration model answers', { AGENT_MODEL: 'demo' }],
    ['the day’s tokens are spent', { AGENT_DAILY_TOKENS: '1' }],
  ])('is the beginning of the first message where %s', async (_, environment) => {
    gate.resolve()
    const other = await start(environment)
    const bob = await other.newUser()
    const before = calls()
    const long = `One two three, ${'and so on '.repeat(10)}`
    const texts = [long, `  Many\n\n lines `, '一二三四五六七八九十'.repeat(10)]
    const titles = []
    for (const message of texts) {
      const { session_id } = (await other.as(bob)('POST', '/agent-chats', { message })).body
      if (session_id) titles.push((await other.as(bob)('GET', `/agent-chats/${session_id}`)).body.title)
    }
    expect(titles).toEqual(
      [
        'One two three, and so on and so on and so on and so on and…',
        'Many lines',
        `${'一二三四五六七八九十'.repeat(6)}…`,
      ].slice(0, titles.length),
    )
    await other.stop()
    expect(calls()).toBe(before)
  })

  test('of a conversation that its client keeps costs no call', async () => {
    gate.resolve()
    const before = calls()
    const answer = await app.as(alice)('POST', '/openai/chat/completions', {
      model: 'parley',
      messages: [{ role: 'user', content: 'kept by the client' }],
    })
    expect(answer.status).toBe(200)
    const chat = (await ask('GET', '?q=kept by the client')).body.chats[0]
    expect(chat.title).toBe('kept by the client')
    const session = await asked()
    await eventually(
      () => titleOf(session),
      title => title === 'By the model',
    )
    expect([calls(), await titleOf(chat.id)]).toEqual([before + 1, 'kept by the client'])
  })
})
