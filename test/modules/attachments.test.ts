/** Files that come with messages: taken for what they are, kept, shown to the model. */
import { Database as Sqlite } from 'bun:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { startApp, type TestApp } from '../harness/app.ts'
import { openEventStream } from '../harness/event-stream.ts'
import { startExecutable } from '../harness/executable.ts'
import { dataUrl, files, pngOf } from '../harness/files.ts'
import { type Api, apis, end, startRawModel, word } from '../harness/model.ts'

type Person = Awaited<ReturnType<TestApp['newUser']>>
type Part = { type: string; text?: string; image_url?: string | { url: string } }
type Said = { role?: string; content: string | Part[] }

const MiB = 1024 * 1024
const image = (type: keyof typeof files = 'image/png', name = 'clock.png') => ({
  name,
  data: dataUrl(files[type]),
})
const note = (name: string, content: Uint8Array | string = files['text/plain']) => ({
  name,
  data: dataUrl(content),
})

const answers = async function* () {
  yield word('seen') + end
}
const responds = async function* () {
  for (const event of [
    { type: 'response.created', response: { id: 'r', created_at: 0, model: 'raw' } },
    { type: 'response.output_item.added', output_index: 0, item: { type: 'message', id: 'm' } },
    { type: 'response.output_text.delta', item_id: 'm', delta: 'seen' },
    { type: 'response.output_item.done', output_index: 0, item: { type: 'message', id: 'm' } },
    { type: 'response.completed', response: { usage: { input_tokens: 1, output_tokens: 1 } } },
  ])
    yield `data: ${JSON.stringify(event)}\n\n`
}

const startWith = async (settings: Record<string, string> = {}, api: Api = 'chat') => {
  const raw = startRawModel(() => (api === 'chat' ? answers : responds), api)
  const app = await startApp({
    ...raw.environment,
    AGENT_MODELS: 'gpt-4o,blind',
    AGENT_IMAGE_MODELS: 'gpt-4o',
    AGENT_MAX_RUNS: '50',
    ...settings,
  })
  const alice = await app.newUser()
  const send = (body: object, who: Person = alice, headers = {}) =>
    app.as(who)('POST', '/agent-chats', { message: 'what is this?', ...body }, headers)
  /** What the user said, in the newest request of the model: texts as they are, images as their URL. */
  const prompt = (): string[][] =>
    ((raw.requests.at(-1)!.body.messages ?? raw.requests.at(-1)!.body.input) as Said[])
      .filter(({ role }) => role === 'user')
      .map(({ content }) => (typeof content === 'string' ? [content] : content.map(shown)))
  const messages = async (session: string, who: Person = alice) =>
    (await app.as(who)('GET', `/agent-chats/${session}/messages`)).body.messages.reverse()
  const download = (session: string, id: string, who: Person | null = alice) =>
    fetch(`${app.url}/api/v1/agent-chats/${session}/attachments/${id}`, {
      headers: who ? { authorization: `Bearer ${who.access_token}` } : {},
    })
  const stop = () => app.stop().then(() => raw.stop())
  return { raw, app, alice, send, prompt, messages, download, stop }
}

const shown = ({ text, image_url }: Part): string =>
  text ?? (typeof image_url === 'string' ? image_url : image_url!.url)

const asText = (name: string, content: string) => `<attachment name="${name}">\n${content}\n</attachment>`
const kinds = Object.keys(files) as Array<keyof typeof files>
const png = dataUrl(files['image/png'], 'image/png')

let world: Awaited<ReturnType<typeof startWith>>
let mallory: Person
beforeAll(async () => {
  world = await startWith()
  mallory = await world.app.newUser()
})
afterAll(() => world.stop())

describe.each(apis)('the model, over the API %s,', api => {
  test('is shown images as they are and texts with their names, then what is said of them', async () => {
    const { send, prompt, stop, raw } = await startWith({}, api)
    const attachments = [
      ...kinds.filter(kind => kind !== 'text/plain').map(kind => image(kind)),
      note('list.txt'),
    ]
    const answer = await send({ attachments })
    expect([answer.status, answer.body.output]).toEqual([200, 'seen'])
    expect(prompt()).toEqual([
      [
        ...kinds.filter(kind => kind !== 'text/plain').map(kind => dataUrl(files[kind], kind)),
        asText('list.txt', 'To do: 买牛奶 🥛\n'),
        'what is this?',
      ],
    ])
    const types = JSON.stringify(raw.requests.at(-1)!.body).match(/"type":"(input_)?(image|image_url|text)"/g)
    expect(new Set(types)).toEqual(
      new Set(
        api === 'chat'
          ? ['"type":"image_url"', '"type":"text"']
          : ['"type":"input_image"', '"type":"input_text"'],
      ),
    )
    await stop()
  })

  test('is shown them again with every later message, after a restart as well', async () => {
    const { send, prompt, raw, app, alice } = await startWith({}, api)
    const first = await send({ attachments: [image(), note('list.txt', 'milk')] })
    const session_id = first.body.session_id
    await send({ message: 'and now?', session_id })
    expect(prompt()).toEqual([[png, asText('list.txt', 'milk'), 'what is this?'], ['and now?']])
    await app.stop({ keep: true })
    const again = await startApp(
      { ...raw.environment, AGENT_IMAGE_MODELS: 'gpt-4o' },
      { dataDir: app.dataDir },
    )
    const { body } = await again.as(alice)('POST', '/agent-chats', { message: 'still?', session_id })
    expect(body.output).toBe('seen')
    expect(prompt()[0]).toEqual([png, asText('list.txt', 'milk'), 'what is this?'])
    await again.stop()
    await raw.stop()
  })
})

describe('POST /agent-chats with attachments', () => {
  test('keeps each under what its bytes are, whatever it was called, and gives it back to its owner alone', async () => {
    const { send, messages, download } = world
    const attachments = [
      { name: 'a.png', data: dataUrl(files['image/jpeg'], 'image/png') },
      { name: 'b.png', data: dataUrl(files['text/plain'], 'image/png') },
      { name: 'c.svg', data: dataUrl('<svg onload="alert(1)"/>', 'image/svg+xml') },
      {
        name: 'd.html',
        data: dataUrl(Buffer.concat([files['image/gif'], Buffer.from('<script>')]), 'text/html'),
      },
      { name: 'e.txt', data: dataUrl('\ufeffa page\fbroken') },
      { data: dataUrl('') },
    ]
    const { body } = await send({ attachments })
    const [asked, answered] = await messages(body.session_id)
    const types = ['image/jpeg', 'text/plain', 'text/plain', 'image/gif', 'text/plain', 'text/plain']
    const names = ['a.png', 'b.png', 'c.svg', 'd.html', 'e.txt', 'text.txt']
    expect([asked.content, answered.attachments]).toEqual(['what is this?', []])
    expect(asked.attachments).toEqual(
      attachments.map(({ data }, index) => ({
        id: expect.any(String),
        name: names[index],
        type: types[index],
        bytes: bytesOf(data).length,
      })),
    )
    for (const [index, { id, type, name }] of asked.attachments.entries()) {
      const answer = await download(body.session_id, id)
      expect(answer.status).toBe(200)
      expect(Buffer.from(await answer.arrayBuffer()).equals(bytesOf(attachments[index]!.data))).toBe(true)
      const isImage = type !== 'text/plain'
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'content-type': isImage ? type : 'text/plain; charset=utf-8',
        'content-disposition': `${isImage ? 'inline' : 'attachment'}; filename*=UTF-8''${name}`,
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
        'x-content-type-options': 'nosniff',
        'cache-control': 'private, max-age=31536000, immutable',
        vary: 'Authorization',
      })
      expect((await download(body.session_id, id, mallory)).status).toBe(404)
      expect((await download(body.session_id, id, null)).status).toBe(401)
      expect((await download(crypto.randomUUID(), id)).status).toBe(404)
    }
  })

  test.each([
    ['../../etc/passwd', 'passwd'],
    ['C:\\Users\\alice\\plan.txt', 'plan.txt'],
    ['nul\0 and\r\nlines.txt', 'nul andlines.txt'],
    ['fdp.\u202etxt.exe', 'fdp.txt.exe'],
    ['..', 'text.txt'],
    ['folder/', 'text.txt'],
    [null, 'text.txt'],
    ["it's (a) 100% 图*.txt", "it's (a) 100% 图*.txt"],
    ['😀'.repeat(300), '😀'.repeat(255)],
  ])('calls %j what can be seen of it, without a folder', async (sent, kept) => {
    const { send, messages, download } = world
    const { body } = await send({ attachments: [{ name: sent, data: dataUrl('x') }] })
    const [{ attachments }] = await messages(body.session_id)
    expect(attachments[0].name).toBe(kept)
    const disposition = (await download(body.session_id, attachments[0].id)).headers.get(
      'content-disposition',
    )!
    expect(disposition).toMatch(/^attachment; filename\*=UTF-8''[\w.!~%-]+$/)
    expect(decodeURIComponent(disposition.split("''")[1]!)).toBe(kept)
  })

  const refusals: Array<
    [what: string, attachments: unknown, status: number, code: string, pointer?: string]
  > = [
    [
      'bytes that are neither',
      [image(), note('a.png', Buffer.from('89504e47ff00', 'hex'))],
      422,
      'unsupported_attachment',
      '/1',
    ],
    [
      'a text that is not UTF-8',
      [note('a.txt', Buffer.from('caf\xe9', 'latin1'))],
      422,
      'unsupported_attachment',
      '/0',
    ],
    ['a text with a NUL', [note('a.txt', 'a\0b')], 422, 'unsupported_attachment', '/0'],
    ['a text with control characters', [note('a.txt', 'a\x1b[31mb')], 422, 'unsupported_attachment', '/0'],
    ['a PDF', [note('a.pdf', '%PDF-1.7\n%\xe2\xe3\xcf\xd3\n\0')], 422, 'unsupported_attachment', '/0'],
    ['a zip', [note('a.txt', Buffer.from('504b0304140000', 'hex'))], 422, 'unsupported_attachment', '/0'],
    [
      'an image cut off in its first bytes',
      [note('a.gif', Buffer.from('GIF8\0'))],
      422,
      'unsupported_attachment',
      '/0',
    ],
    [
      'more than 10 MiB in all',
      [note('a.png', pngOf(6 * MiB)), note('b.png', pngOf(4 * MiB + 1))],
      413,
      'attachments_too_large',
      '/1',
    ],
    ['base64 that is broken', [{ data: 'data:image/png;base64,iVBO*' }], 422, 'invalid_request', '/0'],
    ['base64 that is cut', [{ data: 'data:image/png;base64,iVBOR' }], 422, 'invalid_request', '/0'],
    ['a data URL without base64', [{ data: 'data:text/plain,hello' }], 422, 'invalid_request', '/0'],
    ['an address', [{ data: 'https://example.com/a.png' }], 422, 'invalid_request', '/0/data'],
    ['eleven', Array(11).fill(note('a.txt', 'a')), 422, 'invalid_request', ''],
    ['no list', 'data:;base64,', 422, 'invalid_request', ''],
    [
      'a text that the context has no room for',
      [note('a.txt', 'a'.repeat(96_001))],
      422,
      'attachment_too_long',
      '/0',
    ],
  ]
  test.each(refusals)('refuses %s, and keeps nothing', async (_, attachments, status, code, pointer) => {
    const { send, app, alice, raw } = world
    const session_id = crypto.randomUUID()
    const asked = raw.requests.length
    const answer = await send({ attachments, session_id })
    expect([answer.status, answer.body.code]).toEqual([status, code])
    expect(answer.body.errors.map((error: { pointer: string }) => error.pointer)).toEqual([
      `/body/attachments${pointer}`,
    ])
    expect((await app.as(alice)('GET', `/agent-chats/${session_id}`)).status).toBe(404)
    expect(raw.requests.length).toBe(asked)
  })

  test('is 422 images_not_supported at the first image for a model that takes none, texts pass', async () => {
    const { send, prompt } = world
    const refused = await send({ model: 'blind', attachments: [note('a.txt', 'milk'), image()] })
    expect([refused.status, refused.body.code, refused.body.errors[0].pointer]).toEqual([
      422,
      'images_not_supported',
      '/body/attachments/1',
    ])
    const taken = await send({ model: 'blind', attachments: [note('a.txt', 'milk')] })
    expect(taken.status).toBe(200)
    // Texts alone are one text: not every model API takes a list.
    expect(prompt()).toEqual([[`${asText('a.txt', 'milk')}\n\nwhat is this?`]])
  })

  test('an image of before is a note to a model that takes none', async () => {
    const { send, prompt } = world
    const { session_id } = (await send({ attachments: [image()] })).body
    expect((await send({ model: 'blind', message: 'and?', session_id })).status).toBe(200)
    expect(prompt()).toEqual([['[The attachment "clock.png" is not in view.]\n\nwhat is this?'], ['and?']])
  })

  test('is the same run under the same Idempotency-Key, and 422 with another file', async () => {
    const { send, alice } = world
    const key = { 'idempotency-key': crypto.randomUUID() }
    const body = { session_id: crypto.randomUUID(), attachments: [image()] }
    const [first, again] = [await send(body, alice, key), await send(body, alice, key)]
    expect(again.body).toEqual(first.body)
    const other = await send({ ...body, attachments: [image('image/gif')] }, alice, key)
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused'])
  })

  test('a message answered again shows its attachments again; an edited one keeps them unless it names others', async () => {
    const { send, prompt, messages, app, alice } = world
    const { session_id } = (await send({ attachments: [image()] })).body
    const [{ id }] = await messages(session_id)
    await app.as(alice)('POST', `/agent-chats/${session_id}/regenerate`, {})
    expect(prompt()).toEqual([[png, 'what is this?']])
    await send({ session_id, replaces: id, message: 'what colour is it?' })
    expect(prompt()).toEqual([[png, 'what colour is it?']])
    const [edited] = await messages(session_id)
    expect([edited.attachments[0].name, edited.siblings]).toEqual(['clock.png', [id]])
    await send({
      session_id,
      replaces: edited.id,
      message: 'and this?',
      attachments: [note('a.txt', 'milk')],
    })
    expect(prompt()).toEqual([[`${asText('a.txt', 'milk')}\n\nand this?`]])
    const [other] = await messages(session_id)
    await send({ session_id, replaces: other.id, message: 'never mind', attachments: [] })
    expect(prompt()).toEqual([['never mind']])
  })

  test('the attachments of a message in line are kept with it, and shown when its turn comes', async () => {
    const gate = Promise.withResolvers<void>()
    const raw = startRawModel(asked =>
      asked === 'wait'
        ? async function* () {
            await gate.promise
            yield word('done') + end
          }
        : answers,
    )
    const app = await startApp({ ...raw.environment, AGENT_IMAGE_MODELS: 'gpt-4o' })
    const bob = await app.newUser()
    const session_id = crypto.randomUUID()
    const first = await openEventStream(app.url, bob.access_token, { message: 'wait', session_id })
    await first.until('RUN_STARTED')
    const second = app.as(bob)('POST', '/agent-chats', {
      message: 'look',
      session_id,
      on_conflict: 'enqueue',
      attachments: [image(), note('a.txt', 'milk')],
    })
    const file = new Sqlite(join(app.dataDir, 'parley.db'), { readonly: true })
    const count = () => (file.query('SELECT count(*) AS n FROM attachments').get() as { n: number }).n
    while (count() < 2 || raw.requests.length === 0) await Bun.sleep(5)
    expect(raw.requests.length).toBe(1)
    gate.resolve()
    expect((await second).body.output).toBe('seen')
    const said = (raw.requests.at(-1)!.body.messages as Said[]).at(-1)!.content as Part[]
    expect(said.map(shown)).toEqual([png, asText('a.txt', 'milk'), 'look'])

    // Gone with the chat.
    expect((await app.as(bob)('DELETE', `/agent-chats/${session_id}`)).status).toBe(204)
    expect(count()).toBe(0)
    file.close()
    await app.stop()
    await raw.stop()
  })

  test('a message in line when the server is killed is kept with its attachments', async () => {
    const raw = startRawModel(asked =>
      asked === 'wait'
        ? async function* (signal) {
            yield word('first')
            await new Promise(resolve => signal.addEventListener('abort', resolve))
          }
        : answers,
    )
    const env = { ...raw.environment, AGENT_IMAGE_MODELS: 'gpt-4o' }
    const first = await startExecutable({ env })
    const bob = await first.newUser()
    const session_id = crypto.randomUUID()
    const reader = await openEventStream(first.url, bob.access_token, { message: 'wait', session_id })
    await reader.until('TEXT_MESSAGE_CONTENT')
    const queued = { message: 'look', session_id, on_conflict: 'enqueue', attachments: [image()] }
    const waiting = openEventStream(first.url, bob.access_token, queued)
    const file = () => new Sqlite(join(first.cwd, 'data', 'parley.db'), { readonly: true })
    const count = () => (file().query('SELECT count(*) AS n FROM attachments').get() as { n: number }).n
    while (count() < 1) await Bun.sleep(10)
    await first.kill()
    await waiting.catch(() => {})
    const second = await startExecutable({ env, cwd: first.cwd })
    const { body } = await second.as(bob)('GET', `/agent-chats/${session_id}/messages`)
    const kept = body.messages.find(({ content }: { content: string }) => content === 'look')
    expect(kept.attachments).toMatchObject([{ name: 'clock.png', type: 'image/png' }])
    await second.as(bob)('POST', '/agent-chats', { message: 'and?', session_id })
    const said = (raw.requests.at(-1)!.body.messages as Said[]).at(-1)!.content as Part[]
    expect(said.map(shown)).toEqual([png, 'look', 'and?'])
    await second.kill()
    await raw.stop()
  })

  test('has room for so much of a user, and again once a chat is deleted', async () => {
    const { send, app, alice, stop } = await startWith({ AGENT_ATTACHMENTS_MIB: '1' })
    const eve = await app.newUser()
    const attachments = [note('a.png', pngOf(600_000))]
    const { session_id } = (await send({ attachments })).body
    for (const on_conflict of ['reject', 'enqueue']) {
      const full = { attachments, on_conflict, session_id: crypto.randomUUID() }
      const answer = await send(full)
      expect([answer.status, answer.body.code]).toEqual([422, 'attachment_space_full'])
      expect((await app.as(alice)('GET', `/agent-chats/${full.session_id}`)).status).toBe(404)
    }
    expect((await send({ attachments }, eve)).status).toBe(200)
    await app.as(alice)('DELETE', `/agent-chats/${session_id}`)
    expect((await send({ attachments })).status).toBe(200)
    await stop()
  })

  test('old attachments leave the context before what was said, with a note', async () => {
    // 12,000 bytes: two images, or one and a text.
    const { send, prompt, stop } = await startWith({ AGENT_CONTEXT_TOKENS: '4000' })
    const ask = async (message: string, attachments: object[], session_id?: string) =>
      (await send({ message, attachments, session_id })).body.session_id
    const session = await ask('one', [image('image/png', 'one.png')])
    await ask('two', [image('image/gif', 'two.gif')], session)
    const [two, gone] = [
      dataUrl(files['image/gif'], 'image/gif'),
      '[The attachment "one.png" is not in view.]',
    ]
    expect(prompt()).toEqual([
      [png, 'one'],
      [two, 'two'],
    ])
    await ask('three', [note('three.txt', 'x'.repeat(4000))], session)
    expect(prompt()).toEqual([
      [`${gone}\n\none`],
      [two, 'two'],
      [`${asText('three.txt', 'x'.repeat(4000))}\n\nthree`],
    ])
    const tooMany = await send({ attachments: [image(), image(), image()] })
    expect([tooMany.body.code, tooMany.body.errors[0].pointer]).toEqual([
      'attachment_too_long',
      '/body/attachments/2',
    ])
    await stop()
  })

  test('a message that got no answer is joined to the one after it, its image with it', async () => {
    let broken = true
    const failing = startRawModel(() => (broken ? () => new Response('no', { status: 500 }) : answers))
    const app = await startApp({ ...failing.environment, AGENT_IMAGE_MODELS: 'gpt-4o' })
    const bob = await app.newUser()
    const session_id = crypto.randomUUID()
    const ask = (body: object) => app.as(bob)('POST', '/agent-chats', { session_id, ...body })
    expect((await ask({ message: 'look', attachments: [image()] })).status).toBe(502)
    broken = false
    await ask({ message: 'hello?' })
    const said = failing.requests.at(-1)!.body.messages as Said[]
    expect(said.at(-1)!.content).toMatchObject([
      { type: 'image_url', image_url: { url: png } },
      { type: 'text', text: 'look' },
      { type: 'text', text: 'hello?' },
    ])
    await app.stop()
    await failing.stop()
  })

  test('fails as without an image where the model answers before it has read it, or is not there', async () => {
    const refusing = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: () => new Response('{}', { status: 401 }),
    })
    const settings = {
      OPENAI_BASE_URL: `http://127.0.0.1:${refusing.port}/v1`,
      AGENT_MODELS: 'gpt-4o',
      AGENT_MODEL: 'gpt-4o',
    }
    const { send, stop } = await startWith(settings)
    const attachments = [note('a.png', pngOf(9 * MiB))]
    const refused = await send({ attachments })
    expect([refused.status, refused.body.code]).toEqual([502, 'model_rejected_key'])
    refusing.stop(true)
    const gone = await send({ attachments })
    expect([gone.status, gone.body.code]).toEqual([503, 'model_unreachable'])
    await stop()
  })

  test('announces to the model API how long a request with an image is', async () => {
    const { raw, send } = world
    await send({ attachments: [image(), image('image/gif')] })
    const { headers, body } = raw.requests.at(-1)!
    expect(headers.get('content-length')).toBe(String(Buffer.byteLength(JSON.stringify(body))))
    expect(headers.has('transfer-encoding')).toBe(false)
  })
})

const bytesOf = (url: string): Buffer => Buffer.from(url.slice(url.indexOf(',') + 1), 'base64')
