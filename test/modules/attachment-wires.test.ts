/** Files over the wires of unmodified clients: the AI SDK's, AG-UI's, OpenAI's. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { InputContent } from '@ag-ui/client'
import type { FileUIPart, UIMessage } from 'ai'
import OpenAI from 'openai'
import type { ChatCompletionMessageParam } from 'openai/resources'
import { agUiClient } from '../harness/ag-ui.ts'
import { startApp, type TestApp } from '../harness/app.ts'
import { dataUrl, files, pngOf } from '../harness/files.ts'
import { end, startRawModel, word } from '../harness/model.ts'
import { openUiChat } from '../harness/ui-chat.ts'

type Person = Awaited<ReturnType<TestApp['newUser']>>
type Part = { text?: string; image_url?: { url: string } }

const png = dataUrl(files['image/png'], 'image/png')
const gif = dataUrl(files['image/gif'], 'image/gif')
const milk = dataUrl('milk', 'text/plain')

let raw: ReturnType<typeof startRawModel>
let app: TestApp
let alice: Person
let mallory: Person
beforeAll(async () => {
  raw = startRawModel(
    () =>
      async function* () {
        yield word('seen') + end
      },
  )
  app = await startApp({
    ...raw.environment,
    AGENT_MODELS: 'gpt-4o,blind',
    AGENT_IMAGE_MODELS: 'gpt-4o',
    AGENT_MAX_RUNS: '20',
  })
  alice = await app.newUser()
  mallory = await app.newUser()
})
afterAll(async () => {
  await app.stop()
  await raw.stop()
})

/** What the user said, in the newest request of the model. */
const prompt = (): string[][] => {
  const messages = raw.requests.at(-1)!.body.messages as Array<{ role: string; content: string | Part[] }>
  return messages
    .filter(({ role }) => role === 'user')
    .map(({ content }) =>
      typeof content === 'string' ? [content] : content.map(({ text, image_url }) => text ?? image_url!.url),
    )
}
const asText = (name: string, content: string) => `<attachment name="${name}">\n${content}\n</attachment>`
const attachmentsOf = async (session: string, who = alice) =>
  (await app.as(who)('GET', `/agent-chats/${session}/messages`)).body.messages.at(-1).attachments

describe('the AI SDK', () => {
  const file = (url: string, filename?: string): FileUIPart => ({
    type: 'file',
    mediaType: 'image/png',
    url,
    filename,
  })
  const chatOf = (id: string, messages: UIMessage[] = [], who = alice) => {
    let failure: { code: string; errors?: Array<{ pointer: string }> } | undefined
    const chat = openUiChat(app.url, who.access_token, {
      id,
      messages,
      onError: error => {
        failure = JSON.parse(error.message)
      },
    })
    return Object.assign(chat, { failure: () => failure })
  }
  const history = async (id: string): Promise<UIMessage[]> =>
    (await app.as(alice)('GET', `/agent-chats/ui/${id}`)).body.messages

  test('sends files with a message, or alone; they are kept, shown to the model, and found in the history', async () => {
    const id = crypto.randomUUID()
    const chat = chatOf(id)
    await chat.sendMessage({ text: 'look', files: [file(png, 'clock.png'), file(milk, 'list.txt')] })
    expect([chat.status, prompt()]).toEqual(['ready', [[png, asText('list.txt', 'milk'), 'look']]])
    await chat.sendMessage({ files: [file(gif)] })
    expect(prompt()[1]).toEqual([gif])

    const [said, , alone] = await history(id)
    const [first, second] = await attachmentsOf(id)
    const address = (attachment: { id: string }) => `/api/v1/agent-chats/${id}/attachments/${attachment.id}`
    expect(said!.parts).toEqual([
      { type: 'file', mediaType: 'image/png', filename: 'clock.png', url: address(first) },
      { type: 'file', mediaType: 'text/plain', filename: 'list.txt', url: address(second) },
      { type: 'text', text: 'look' },
    ])
    expect(alone!.parts).toMatchObject([{ type: 'file', mediaType: 'image/gif', filename: 'image.gif' }])
    const downloaded = await fetch(app.url + address(first), {
      headers: { authorization: `Bearer ${alice.access_token}` },
    })
    expect(Buffer.from(await downloaded.arrayBuffer()).equals(files['image/png'])).toBe(true)
  })

  test('answers again, and edits, with the files as it has them: their bytes, or our address after a reload', async () => {
    const id = crypto.randomUUID()
    const chat = chatOf(id)
    await chat.sendMessage({ text: 'look', files: [file(png, 'clock.png')] })
    await chat.regenerate()
    expect(prompt()).toEqual([[png, 'look']])
    const versions = async () => (await app.as(alice)('GET', `/agent-chats/${id}/messages`)).body.messages
    expect((await versions()).map(({ version }: { version: number }) => version)).toEqual([2, 1])

    const reloaded = chatOf(id, await history(id))
    await reloaded.regenerate()
    expect(prompt()).toEqual([[png, 'look']])
    expect((await versions()).map(({ version }: { version: number }) => version)).toEqual([3, 1])

    const [said] = reloaded.messages
    await reloaded.sendMessage({
      messageId: said!.id,
      text: 'and now?',
      files: said!.parts.filter(part => part.type === 'file'),
    })
    expect([reloaded.failure(), prompt()]).toEqual([undefined, [[png, 'and now?']]])
    await reloaded.sendMessage({ messageId: said!.id, text: 'and now?', files: [file(gif)] })
    expect(prompt()).toEqual([[gif, 'and now?']])
    await reloaded.sendMessage({ messageId: said!.id, text: 'and now?' })
    expect(prompt()).toEqual([['and now?']])
  })

  test.each([
    ['an address elsewhere', 'https://example.com/a.png'],
    ['an address of this machine', 'http://127.0.0.1/a.png'],
    ['a file of the machine', 'file:///etc/passwd'],
    ['nothing', ''],
  ])('gets 422 for %s, which is not fetched', async (_, url) => {
    const chat = chatOf(crypto.randomUUID())
    await chat.sendMessage({ text: 'look', files: [file(png), file(url)] })
    expect(chat.failure()).toMatchObject({
      code: 'invalid_request',
      errors: [{ pointer: '/body/messages/0/parts/1/url' }],
    })
  })

  test("gets 422 for the address of another chat's file, or another's", async () => {
    const id = crypto.randomUUID()
    await chatOf(id).sendMessage({ text: 'look', files: [file(png)] })
    const [{ parts }] = (await history(id)) as [UIMessage]
    for (const [session, who] of [
      [id, alice],
      [crypto.randomUUID(), alice],
      [crypto.randomUUID(), mallory],
    ] as const) {
      const chat = chatOf(session, [], who)
      await chat.sendMessage({ text: 'look', files: parts.filter(part => part.type === 'file') })
      expect(chat.failure()?.code).toBe('invalid_request')
    }
  })

  test('gets 422 for an image where the model takes none', async () => {
    const answer = await app.as(alice)('POST', '/agent-chats/ui', {
      id: crypto.randomUUID(),
      model: 'blind',
      messages: [{ id: 'm', role: 'user', parts: [{ type: 'text', text: 'look' }, file(png)] }],
    })
    expect([answer.status, answer.body.code, answer.body.errors[0].pointer]).toEqual([
      422,
      'images_not_supported',
      '/body/messages/0/parts/1/url',
    ])
  })

  test('may send 20 MiB of files it sent before; of the message itself 10 count', async () => {
    const chat = chatOf(crypto.randomUUID())
    const big = dataUrl(pngOf(8 * 1024 * 1024))
    await chat.sendMessage({ text: 'one', files: [file(big)] })
    await chat.sendMessage({ text: 'two', files: [file(big)] })
    expect([chat.failure(), chat.messages.length]).toEqual([undefined, 4])
    await chat.sendMessage({ text: 'three', files: [file(big)] })
    expect(chat.failure()?.code).toBe('body_too_large')
    const other = chatOf(crypto.randomUUID())
    await other.sendMessage({ text: 'both', files: [file(big), file(big)] })
    expect(other.failure()).toMatchObject({
      code: 'attachments_too_large',
      errors: [{ pointer: '/body/messages/0/parts/1/url' }],
    })
  })
})

describe('AG-UI', () => {
  const data = (url: string) => ({ type: 'data' as const, value: url.split(',')[1]!, mimeType: 'image/png' })
  const text = (text: string) => ({ type: 'text' as const, text })
  const said = async (content: InputContent[], threadId: string = crypto.randomUUID()) => {
    const client = agUiClient(app.url, alice, { threadId })
    client.agent.addMessage({ id: crypto.randomUUID(), role: 'user', content })
    const events = await client.run()
    return { client, events, threadId }
  }

  test('sends images and documents as parts; sent again with the next message they are the same message', async () => {
    const { client, threadId } = await said([
      { type: 'image', source: data(png), metadata: { filename: 'clock.png' } },
      text('look'),
      { type: 'document', source: data(milk) },
    ])
    expect(prompt()).toEqual([[png, asText('text.txt', 'milk'), 'look']])
    expect(await attachmentsOf(threadId)).toMatchObject([{ name: 'clock.png' }, { name: 'text.txt' }])
    await client.run()
    await client.say('and?')
    expect(prompt()).toEqual([[png, asText('text.txt', 'milk'), 'look'], ['and?']])
    const { body } = await app.as(alice)('GET', `/agent-chats/${threadId}/messages`)
    expect(body.messages.map(({ siblings }: { siblings: string[] }) => siblings.length)).toEqual([0, 0, 0, 0])
  })

  test('another image under the id of a message is another message', async () => {
    const { client, threadId } = await said([{ type: 'image', source: data(png) }])
    client.agent.messages = [
      { ...client.agent.messages[0]!, content: [{ type: 'image', source: data(gif) }] } as never,
    ]
    await client.run()
    expect(prompt()).toEqual([[gif]])
    expect(await attachmentsOf(threadId)).toMatchObject([{ type: 'image/gif' }])
  })

  test.each([
    [
      'an address',
      { type: 'image', source: { type: 'url', value: 'https://example.com/a.png' } },
      'invalid_request',
    ],
    [
      'a handle of another server',
      { type: 'image', source: { type: 'file', value: 'file-1' } },
      'invalid_request',
    ],
    [
      'bytes that are neither image nor text',
      { type: 'document', source: data('data:,AAEC') },
      'unsupported_attachment',
    ],
    ['a sound', { type: 'audio', source: data(png) }, 'invalid_request'],
  ])('gets 422 for %s', async (_, part, code) => {
    const answer = await app.as(alice)('POST', '/agent-chats/ag-ui', {
      threadId: crypto.randomUUID(),
      runId: 'r',
      messages: [{ id: 'm', role: 'user', content: [text('look'), part] }],
    })
    expect([answer.status, answer.body.code]).toEqual([422, code])
    expect(answer.body.errors[0].pointer).toStartWith('/body/messages/0/content')
  })
})

describe('the openai client', () => {
  const openai = () =>
    new OpenAI({ apiKey: alice.access_token, baseURL: `${app.url}/api/v1/openai`, maxRetries: 0 })
  const complete = async (messages: ChatCompletionMessageParam[], model = 'parley') => {
    const { data, response } = await openai().chat.completions.create({ model, messages }).withResponse()
    return {
      text: data.choices[0]!.message.content!,
      session: (data as unknown as { session_id: string }).session_id,
      response,
    }
  }
  const looking = (url: string, text: string): ChatCompletionMessageParam => ({
    role: 'user',
    content: [
      { type: 'text', text },
      { type: 'image_url', image_url: { url } },
      { type: 'file', file: { filename: 'list.txt', file_data: milk } },
    ],
  })

  test('sends images and files as parts; they are recognised when the conversation comes again', async () => {
    const asked = looking(png, 'look at this')
    const first = await complete([asked])
    expect(prompt()).toEqual([[png, asText('list.txt', 'milk'), 'look at this']])
    const answered = { role: 'assistant' as const, content: first.text }
    const second = await complete([asked, answered, { role: 'user', content: 'and?' }])
    expect(second.session).toBe(first.session)
    expect(prompt()).toEqual([[png, asText('list.txt', 'milk'), 'look at this'], ['and?']])
    const { body } = await app.as(alice)('GET', `/agent-chats/${first.session}/messages`)
    expect(body.messages.map(({ siblings }: { siblings: string[] }) => siblings.length)).toEqual([0, 0, 0, 0])
    // Another image is another message.
    await complete([looking(gif, 'look at this')])
    expect(prompt()).toEqual([[gif, asText('list.txt', 'milk'), 'look at this']])
    expect((await attachmentsOf(first.session))[0].type).toBe('image/gif')
  })

  test('brings along a conversation with images that was had elsewhere', async () => {
    const { session } = await complete([
      looking(png, 'seen elsewhere'),
      { role: 'assistant', content: 'a clock' },
      { role: 'user', content: 'sure?' },
    ])
    expect(prompt()).toEqual([[png, asText('list.txt', 'milk'), 'seen elsewhere'], ['sure?']])
    expect(await attachmentsOf(session)).toHaveLength(2)
  })

  test.each([
    ['an address', 'https://example.com/a.png', 'parley', 'invalid_request'],
    ['no image', dataUrl(Buffer.from([0, 1])), 'parley', 'unsupported_attachment'],
    ['an image where the model takes none', png, 'blind', 'images_not_supported'],
  ])('gets 422 for %s', async (_, url, model, code) => {
    const { chats } = (await app.as(alice)('GET', '/agent-chats')).body
    const past: ChatCompletionMessageParam[] = [
      { role: 'user', content: `before ${code}` },
      { role: 'assistant', content: 'yes?' },
    ]
    const refused = await complete([...past, looking(url, 'refused')], model).catch(error => error)
    expect([refused.status, refused.code]).toEqual([422, code])
    expect((await app.as(alice)('GET', '/agent-chats')).body.chats).toEqual(chats)
  })
})
