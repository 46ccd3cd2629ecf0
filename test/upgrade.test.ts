/** A database of the first version, with a chat in it, as the newest finds it. */
import { Database as Sqlite } from 'bun:sqlite'
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import accounts from '../src/database/migrations/0001_accounts.sql' with { type: 'text' }
import agentChats from '../src/database/migrations/0002_agent_chats.sql' with { type: 'text' }
import { startApp, type TestApp } from './harness/app.ts'
import { startModel } from './harness/model.ts'

const id = (n: number) => `01a20000-0000-7000-8000-00000000000${n}`
const [chat, user, run1, run2] = [id(1), id(2), id(3), id(4)]
let app: TestApp
let model: Awaited<ReturnType<typeof startModel>>
let who: { access_token: string }
beforeAll(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'parley-old-'))
  const old = new Sqlite(join(dataDir, 'parley.db'))
  for (const sql of [accounts, agentChats, 'PRAGMA user_version = 2']) old.run(sql)
  const hash = await Bun.password.hash('correct horse', {
    algorithm: 'argon2id',
    memoryCost: 19456,
    timeCost: 2,
  })
  old.run("INSERT INTO users VALUES (?, 'alice@example.com', 'alice', ?, NULL, NULL, 0)", [user, hash])
  old.run('INSERT INTO chats VALUES (?, ?, 1, 2)', [chat, user])
  const run =
    'INSERT INTO runs (chat_id, id, status, error_code, started_at, ended_at) VALUES (?, ?, ?, ?, 1, ?)'
  old.run(run, [chat, run1, 'finished', null, 2])
  old.run(run, [chat, run2, 'running', null, null])
  const messages: Array<[id: string, run: string, message: object]> = [
    ['m1', run1, { role: 'user', content: '你好，旧版本' }],
    ['m2', run1, { role: 'assistant', content: [{ type: 'text', text: 'Hello from before.' }] }],
    ['m3', run2, { role: 'user', content: 'are you there?' }],
  ]
  for (const [i, [id, runId, message]] of messages.entries()) {
    const content = JSON.stringify(message)
    old.run('INSERT INTO messages VALUES (?, ?, ?, ?, 1, ?, ?)', [
      chat,
      i + 1,
      id,
      runId,
      content.length,
      content,
    ])
  }
  old.close()
  model = await startModel()
  model.says('and now', { content: 'I am.' })
  app = await startApp(model.environment('chat'), { dataDir })
  const signedIn = await app.call('POST', '/auth/sessions', {
    email: 'alice@example.com',
    password: 'correct horse',
  })
  if (signedIn.status !== 200) throw new Error(JSON.stringify(signedIn.body))
  who = signedIn.body
})
afterAll(async () => {
  await app.stop()
  await model.stop()
})

test('the chat is listed, read back, found and gone on with; the run that was cut off is closed', async () => {
  const as = app.as(who)
  const run = await as('GET', `/agent-chats/${chat}`)
  expect([run.status, run.body.run]).toEqual([200, null])
  const { body: listed } = await as('GET', '/agent-chats')
  expect(listed.chats.map(({ id }: { id: string }) => id)).toEqual([chat])
  const { body: read } = await as('GET', `/agent-chats/${chat}/messages`)
  expect(read.messages.map(({ id, content }: { id: string; content: string }) => [id, content])).toEqual([
    ['m3', 'are you there?'],
    ['m2', 'Hello from before.'],
    ['m1', '你好，旧版本'],
  ])
  for (let found = 0; found === 0; await Bun.sleep(20))
    found = (await as('GET', `/agent-chats?q=${encodeURIComponent('旧版')}`)).body.chats.length
  const { body: answer } = await as('POST', '/agent-chats', { message: 'and now', session_id: chat })
  expect(answer.output).toBe('I am.')
  expect(
    model
      .lastPrompt()
      .map(({ content }) => content)
      .slice(1),
  ).toEqual(['你好，旧版本', 'Hello from before.', 'are you there?\n\nand now'])
  const again = await as('POST', `/agent-chats/${chat}/regenerate`, {})
  expect(again.status).toBe(200)
  expect((await as('DELETE', `/agent-chats/${chat}`)).status).toBe(204)
})
