/** Chats in which somebody answers and edits without end: what they read of them is bounded, and holds up nobody. */
import { Database as Sqlite } from 'bun:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import type { MessageView } from '../../src/modules/agent-chats/chat-schema.ts'
import { startApp, type TestApp } from '../harness/app.ts'

const count = 10_000

let app: TestApp
let alice: Awaited<ReturnType<TestApp['newUser']>>
/** A chat of many answers to one message, and one of many messages below each other. */
let wide: string
let deep: string
beforeAll(async () => {
  app = await startApp()
  alice = await app.newUser()
  wide = await chatOf(() => 'hello')
  deep = await chatOf(above => above)
}, 60_000)
afterAll(() => app.stop())

const ask = (method: string, path: string, body?: object) =>
  app.as(alice)(method, `/agent-chats${path}`, body)

/** Begun by `hello`, then made long behind the server's back: through its front door it would take minutes. */
async function chatOf(parentOf: (above: string) => string): Promise<string> {
  const { status, body } = await ask('POST', '', { message: 'hello', message_id: 'hello' })
  expect(status).toBe(200)
  const database = new Sqlite(join(app.dataDir, 'parley.db'))
  const insert = database.prepare(
    `INSERT INTO messages (chat_id, position, id, parent_id, run_id, created_at, bytes, content)
     VALUES ($1, $2, $3, $4, $3, 0, 2000, json_object('role', iif($2 % 2, 'user', 'assistant'), 'content', $5))`,
  )
  database.transaction(() => {
    for (let n = 0, above = 'hello'; n < count; above = `m${n++}`)
      insert.run(body.session_id, n + 10, `m${n}`, parentOf(above), `${n} `.padEnd(2000, 'word '))
    database.run('UPDATE chats SET head_id = ? WHERE id = ?', [`m${count - 1}`, body.session_id])
  })()
  database.close()
  return body.session_id
}

const through = (chat: string, id: string) => ask('GET', `/${chat}/messages?limit=1&through=${id}`)
const newestThrough = async (chat: string, id: string): Promise<MessageView> => {
  const { status, body } = await through(chat, id)
  expect(status).toBe(200)
  return body.messages[0]
}

describe('of a message that was answered ten thousand times', () => {
  const ids = (from: number, to: number) => [...Array(to - from)].map((_, i) => `m${from + i}`)

  test('the newest hundred answers are listed, and numbered', async () => {
    const { id, version, siblings } = await newestThrough(wide, `m${count - 2}`)
    expect([id, version]).toEqual([`m${count - 2}`, 99])
    expect(siblings).toEqual([...ids(count - 100, count - 2), `m${count - 1}`])
  })

  test('an older one is listed before them', async () => {
    const { id, version, siblings } = await newestThrough(wide, 'm7')
    expect([id, version]).toEqual(['m7', 1])
    expect(siblings).toEqual(ids(count - 100, count))
  })

  test('each can be gone on from', async () => {
    const { status, body } = await ask('PATCH', `/${wide}`, { head_message_id: 'm7' })
    expect([status, body.head_message_id]).toEqual([200, 'm7'])
    const { messages } = (await ask('GET', `/${wide}/messages`)).body
    expect(messages.map(({ id }: MessageView) => id)).toEqual(['m7', 'hello'])
  })
})

describe('while others are answered,', () => {
  /** How many were answered before it was. */
  async function answeredMeanwhile(request: Promise<unknown>): Promise<number> {
    let over = false
    let answered = 0
    request.finally(() => {
      over = true
    })
    for (; !over; answered++) await app.call('GET', '/health')
    return answered
  }

  test.each([
    ['the newest of ten thousand answers is looked for', () => through(wide, 'hello')],
    ['the end below ten thousand messages is looked for', () => through(deep, 'hello')],
    ['a long path is gone on with', () => ask('PATCH', `/${deep}`, { head_message_id: 'hello' })],
    [
      'the place of an edited message is looked for on a long path',
      () => {
        const message = { id: 'm1', role: 'user', parts: [{ type: 'text', text: 'edited' }] }
        // Refused once it is found.
        return ask('POST', '/ui', { id: deep, trigger: 'submit-message', messages: [message], model: 'none' })
      },
    ],
  ])('%s', async (_, begin) => {
    const request = begin()
    expect(await answeredMeanwhile(request)).toBeGreaterThan(8)
    expect((await request).body.code).toBeOneOf([undefined, 'model_not_available'])
  })

  test('many such requests take turns', async () => {
    const requests = Promise.all([...Array(8)].map(() => through(deep, 'hello')))
    expect(await answeredMeanwhile(requests)).toBeGreaterThan(100)
  }, 60_000)
})
