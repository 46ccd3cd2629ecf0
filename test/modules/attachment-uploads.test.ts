/** How bodies with files are read: as JSON or as forms, never of nobody, never too much of them at once. */

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { startApp, type TestApp } from '../harness/app.ts'
import type { Answer } from '../harness/client.ts'
import { startExecutable, tidy } from '../harness/executable.ts'
import { dataUrl, files, pngOf } from '../harness/files.ts'
import { end, startRawModel, word } from '../harness/model.ts'

type Person = Awaited<ReturnType<TestApp['newUser']>>

const MiB = 1024 * 1024
const answers = async function* () {
  yield word('seen') + end
}

let clock = Date.now()
let raw: ReturnType<typeof startRawModel>
let app: TestApp
let alice: Person
let bob: Person
beforeAll(async () => {
  raw = startRawModel(() => answers)
  app = await startApp({ ...raw.environment, AGENT_IMAGE_MODELS: 'gpt-4o' }, { now: () => clock })
  alice = await app.newUser()
  bob = await app.newUser()
})
afterAll(async () => {
  await app.stop()
  await raw.stop()
  await tidy()
})

type Body = NonNullable<RequestInit['body']>

const post = async (body: Body, type?: string, path = '/agent-chats') => {
  const response = await fetch(`${app.url}/api/v1${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${alice.access_token}`, ...(type && { 'content-type': type }) },
    body,
  })
  return { status: response.status, body: (await response.json()) as Answer['body'] }
}

describe('a form', () => {
  test('is the same message as in JSON, its files the attachments, whatever their fields are called', async () => {
    const session_id = crypto.randomUUID()
    const form = new FormData()
    form.set('message', 'what is this? 图')
    form.set('session_id', session_id)
    form.set('message_id', 'mine')
    form.set('attachments', new File([files['image/png']], 'クロック.png', { type: 'text/html' }))
    form.set('file2', new File(['milk'], '../list.txt'))
    expect((await post(form)).status).toBe(200)
    const { body } = await app.as(alice)('GET', `/agent-chats/${session_id}/messages`)
    expect(body.messages.at(-1)).toMatchObject({
      id: 'mine',
      content: 'what is this? 图',
      attachments: [
        { name: 'クロック.png', type: 'image/png', bytes: files['image/png'].length },
        { name: 'list.txt', type: 'text/plain', bytes: 4 },
      ],
    })
    const edit = new FormData()
    edit.set('message', 'instead')
    edit.set('session_id', session_id)
    edit.set('replaces', 'mine')
    expect((await post(edit)).status).toBe(200)
    expect(
      (await app.as(alice)('GET', `/agent-chats/${session_id}/messages`)).body.messages.at(-1),
    ).toMatchObject({
      content: 'instead',
      attachments: [{ name: 'クロック.png' }, { name: 'list.txt' }],
    })
  })

  test('bears files of 10 MiB in all, and no more', async () => {
    const form = (bytes: number) => {
      const form = new FormData()
      form.set('message', 'look')
      form.set('file', new File([pngOf(bytes)], 'a.png'))
      return form
    }
    expect((await post(form(10 * MiB))).status).toBe(200)
    const one = await post(form(10 * MiB + 1))
    expect([one.status, one.body.code]).toEqual([413, 'attachments_too_large'])
    const far = await post(form(15 * MiB))
    expect([far.status, far.body.code]).toEqual([413, 'body_too_large'])
  })

  const field = (name: string, value: string) =>
    `--XX\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
  const file = (name: string, content: string) =>
    `--XX\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: image/png\r\n\r\n${content}\r\n`
  const type = 'multipart/form-data; boundary=XX'
  const message = field('message', 'hello')

  test('may have a field for files in which none was chosen', async () => {
    expect((await post(`${message}${file('', '')}--XX--`, type)).status).toBe(200)
  })

  test.each([
    ['without a boundary', `${message}--XX--`, 'multipart/form-data', 422, 'malformed_form'],
    ['with another boundary', `${message}--XX--`, 'multipart/form-data; boundary=YY', 422, 'malformed_form'],
    ['that breaks off in a part', message.slice(0, -4), type, 422, 'malformed_form'],
    ['that breaks off in a header', `${message}--XX\r\nContent-Dispo`, type, 422, 'malformed_form'],
    ['without its end', message, type, 422, 'malformed_form'],
    ['that is something else', '{"message":"hello"}', type, 422, 'malformed_form'],
    ['of nothing', '--XX--', type, 422, 'invalid_request'],
    ['with a field twice', `${message}${message}--XX--`, type, 422, 'malformed_form'],
    ['of ten thousand parts', `${file('a', '').repeat(10_000)}--XX--`, type, 422, 'malformed_form'],
    ['without a message', `${file('a.txt', 'a')}--XX--`, type, 422, 'invalid_request'],
    [
      'whose message is a file',
      `${file('a.txt', 'a').replace('"file"', '"message"')}--XX--`,
      type,
      422,
      'invalid_request',
    ],
    [
      'whose fields are long',
      `${message}${field('x', 'x'.repeat(65_536))}--XX--`,
      type,
      413,
      'body_too_large',
    ],
    [
      'whose fields name files',
      `${message}${field('attachments', 'data:,a')}--XX--`,
      type,
      422,
      'invalid_request',
    ],
    [
      'with a file of nonsense',
      `${message}${file('a.png', '\0\0')}--XX--`,
      type,
      422,
      'unsupported_attachment',
    ],
  ])('%s is refused', async (_, body, type, status, code) => {
    const answer = await post(body, type)
    expect([answer.status, answer.body.code]).toEqual([status, code])
  })

  test('names its files without what cannot be seen', async () => {
    const session = field('session_id', '7b0f6a1e-52c4-4d0a-9c11-0f6b8f1c2d3e')
    const body = `${message}${session}${file('a\0b.txt', 'a')}${file('..\\\\c\u202ed.txt', 'c')}--XX--`
    expect((await post(body, type)).status).toBe(200)
    const { body: kept } = await app.as(alice)(
      'GET',
      '/agent-chats/7b0f6a1e-52c4-4d0a-9c11-0f6b8f1c2d3e/messages',
    )
    for (const { name } of kept.messages.at(-1).attachments) expect(name).toMatch(/^[\w.]+$/)
  })

  test('is taken where there can be files, and nowhere else', async () => {
    const answer = await post(`${field('email', 'a@b.c')}--XX--`, type, '/auth/verifications/resend')
    expect([answer.status, answer.body.code]).toEqual([422, 'unsupported_media_type'])
  })
})

describe('a body in JSON', () => {
  test.each([
    ['brackets', `{"message":"hello","x":[${'[],'.repeat(30_000)}[]]}`],
    ['a text', JSON.stringify({ message: 'x'.repeat(70_000) })],
    ['short data URLs', JSON.stringify({ message: 'hello', x: Array(40_000).fill('data:') })],
    [
      'what follows a data URL',
      `{"message":"hello","x":"data:\\"${'[]'.repeat(40_000)}"}`.replace('\\"[', '"['),
    ],
  ])('has at most 64 KiB beside its files: %s are 413', async (_, body) => {
    const answer = await post(body, 'application/json')
    expect([answer.status, answer.body.code]).toEqual([413, 'body_too_large'])
  })

  test('is taken in chunks too, and cut off at its limit', async () => {
    const chunks = (megabytes: number) =>
      async function* () {
        yield Buffer.from('{"message":"look","attachments":[{"data":"data:;base64,')
        const [head, ...rest] = dataUrl(pngOf(megabytes * MiB))
          .split(',')[1]!
          .match(/.{1,400000}/gs)!
        yield Buffer.from(head!)
        for (const piece of rest) yield Buffer.from(piece)
        yield Buffer.from('"}]}')
      } as unknown as () => Body
    expect((await post(chunks(3)(), 'application/json')).status).toBe(200)
    const answer = await post(chunks(12)(), 'application/json')
    expect([answer.status, answer.body.code]).toEqual([413, 'body_too_large'])
  })
})

/** Sends the head of a request, and of its body what it is told to. */
function upload(who: Person | null, length = 14 * 1_000_000) {
  const socket = connect(Number(new URL(app.url).port), '127.0.0.1')
  let answer = ''
  socket.on('data', data => {
    answer += data
  })
  socket.on('error', () => {})
  const authorization = who ? `Authorization: Bearer ${who.access_token}\r\n` : ''
  socket.write(
    `POST /api/v1/agent-chats HTTP/1.1\r\nHost: localhost\r\n${authorization}Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`,
  )
  const until = async (pattern: RegExp) => {
    while (!pattern.test(answer)) await Bun.sleep(5)
    return answer
  }
  return { write: (text: string) => socket.write(text), until, leave: () => socket.destroy() }
}

/** So many bodies are being read, and none of a test before. */
async function untilReading(count: number): Promise<void> {
  while (app.pending() !== count) await Bun.sleep(5)
  await Bun.sleep(50)
}

describe('a large body', () => {
  test('is 401 before it is read where nobody is signed in, and 413 before it is read where it is too large', async () => {
    const stranger = upload(null)
    stranger.write('{"mess')
    expect(await stranger.until(/\r\n\r\n\{.*\}/s)).toStartWith('HTTP/1.1 401')
    const tooLarge = upload(alice, 15_000_000)
    tooLarge.write('{"mess')
    expect(await tooLarge.until(/\r\n\r\n\{.*\}/s)).toStartWith('HTTP/1.1 413')
    stranger.leave()
    tooLarge.leave()
  })

  test('that does not arrive within two minutes is 408', async () => {
    const slow = upload(alice)
    slow.write('{"mess')
    await untilReading(1)
    clock += 121_000
    slow.write('age":')
    const answer = await slow.until(/\r\n\r\n\{.*\}/s)
    expect(answer).toStartWith('HTTP/1.1 408')
    expect(answer).toContain('"code":"body_too_slow"')
    slow.leave()
  })

  test('waits while others of the same person are read, 503 after a while; nobody else waits for them', async () => {
    const slow = [upload(alice), upload(alice)]
    for (const each of slow) each.write('{"mess')
    await untilReading(2)
    const body = JSON.stringify({ message: 'look', attachments: [{ data: dataUrl(pngOf(5 * MiB)) }] })
    const waiting = post(body, 'application/json')
    expect((await app.as(bob)('POST', '/agent-chats', body)).status).toBe(200)
    const answer = await waiting
    expect([answer.status, answer.body.code]).toEqual([503, 'server_busy'])
    // A small one needs no room.
    expect((await app.as(alice)('POST', '/agent-chats', { message: 'hello' })).status).toBe(200)
    for (const each of slow) each.leave()
    let again = await post(body, 'application/json')
    while (again.status === 503) again = await post(body, 'application/json')
    expect(again.status).toBe(200)
  }, 60_000)

  test('and many of them at once take memory for a few alone', async () => {
    const env = { ...raw.environment, AGENT_IMAGE_MODELS: 'gpt-4o', TRUST_PROXY: '1' }
    const server = await startExecutable({ env })
    const people = []
    for (let n = 0; n < 20; n++) people.push(await server.newUser())
    const peak = () =>
      Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))![1]) * 1024
    await server.as(people[0]!)('POST', '/agent-chats', { message: 'hello' })
    const before = peak()
    const body = JSON.stringify({ message: 'look', attachments: [{ data: dataUrl(pngOf(10 * MiB)) }] })
    const answered = await Promise.all(people.map(who => server.as(who)('POST', '/agent-chats', body)))
    for (const { status } of answered) expect([200, 503]).toContain(status)
    expect(answered.filter(({ status }) => status === 200).length).toBeGreaterThan(3)
    // Each was 14 MB to receive, and 10 to keep.
    expect(peak() - before).toBeLessThan(700 * MiB)
    await server.kill()
  }, 180_000)
})
