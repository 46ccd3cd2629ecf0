import { Database as Sqlite } from 'bun:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import fc from 'fast-check'
import { chatStore } from '../../src/database/chat-store.ts'
import { conversationStore } from '../../src/database/conversation-store.ts'
import { Database } from '../../src/database/database.ts'
import { messagePath } from '../../src/database/message-path.ts'
import { backlogOf } from '../../src/database/search-backlog.ts'
import { startApp, type TestApp } from '../harness/app.ts'
import { captureLog } from '../harness/log.ts'
import { end, startRawModel, toolCalls, word } from '../harness/model.ts'

type Person = Awaited<ReturnType<TestApp['newUser']>>

let raw: ReturnType<typeof startRawModel>
let app: TestApp
let alice: Person
let mallory: Person
beforeAll(async () => {
  raw = startRawModel(
    asked =>
      async function* () {
        if (asked === 'who am I?' && !JSON.stringify(raw.requests.at(-1)!.body).includes('"tool"'))
          yield toolCalls({ name: 'get_my_profile', args: {} })
        else if (asked === 'speak at length') yield word(`${'甲'.repeat(19_999)}乙丙`) + end
        else yield word(asked.startsWith('say ') ? asked.slice(4) : 'Yes.') + end
      },
  )
  app = await startApp({ ...raw.environment, AGENT_MAX_RUNS: '50' })
  alice = await app.newUser()
  mallory = await app.newUser()
})
afterAll(async () => {
  await app.stop()
  await raw.stop()
})

const ask = (method: string, path: string, body?: object, who = alice) =>
  app.as(who)(method, `/agent-chats${path}`, body)
const say = async (message: string, more: object = {}, who = alice): Promise<string> =>
  (await ask('POST', '', { message, ...more }, who)).body.session_id
const found = async (q: string, who = alice): Promise<string[]> => {
  const { status, body } = await ask('GET', `?limit=100&q=${encodeURIComponent(q)}`, undefined, who)
  expect(status).toBe(200)
  return body.chats.map(({ id }: { id: string }) => id)
}

describe('GET /agent-chats?q=', () => {
  test.each([
    ['a word of a message', 'Where is Timbuktu?', 'timbuktu'],
    ['a word of an answer', 'say It is in Ouagadougou.', 'ouagadougou'],
    ['the beginning of the last word', 'Let us go to Samarkand', 'go samar'],
    ['all of several words, wherever they stand', 'one quagga, two okapis', 'okapis quagga'],
    ['any piece of a Chinese text', '明天上海的天气怎么样？', '海的天'],
    ['a piece across punctuation', '你好，世界和平', '好世界'],
    ['one Chinese character', '饕餮', '餮'],
    ['a piece of Japanese, of Korean, of Thai', 'ありがとう 감사합니다 ขอบคุณ', 'がと 사합 อบค'],
    ['two pieces', '长江以北，黄河以南', '黄河 长江'],
    ['Chinese and other words mixed', '用Kubernetes部署服务', 'kubernetes部署'],
    ['a character beyond the first plane', '𠮷野家', '𠮷野'],
    ['whatever the case', 'ÇATALHÖYÜK', 'çatalhöyük'],
    ['whatever the accents', 'Déjà-vu à Zürich', 'deja zurich'],
    ['whatever the width', 'ＮＡＧＡＳＡＫＩ ２０２６', 'nagasaki 2026'],
    ['words with signs in them', "it's node-v8.1/x64", 'node-v8.1/x64'],
  ])('finds %s', async (_, message, q) => {
    const session = await say(message)
    expect(await found(q)).toEqual([session])
    expect(await found(q, mallory)).toEqual([])
  })

  test.each([
    ['where only some of the words are', 'red zebrafish', 'zebrafish blue'],
    ['where the characters stand in another order', '杭州西湖', '湖西'],
    ['where the words are in two messages', 'jabberwocky', 'jabberwocky bandersnatch'],
    ['the inside of a word', 'Constantinople', 'antinople'],
    ['where the question has no word', 'hm?', '?!'],
  ])('finds nothing %s', async (_, message, q) => {
    const session = await say(message)
    await say('bandersnatch', { session_id: session })
    expect(await found(q)).toEqual([])
  })

  test('finds the title, and no former one', async () => {
    const session = await say('hello')
    await ask('PATCH', `/${session}`, { title: '量子力学 Entanglement' })
    expect([await found('力学'), await found('entangle')]).toEqual([[session], [session]])
    await ask('PATCH', `/${session}`, { title: 'Cooking' })
    expect([await found('力学'), await found('entangle'), await found('cooking')]).toEqual([
      [],
      [],
      [session],
    ])
  })

  test('lists a chat once, the newest first, in pages', async () => {
    const sessions: string[] = []
    for (let n = 0; n < 5; n++) sessions.unshift(await say('say pelican'))
    await say('pelican again', { session_id: sessions[4] })
    sessions.unshift(sessions.pop()!)
    const seen: string[] = []
    let query = ''
    do {
      const { body } = await ask('GET', `?limit=2&q=pelican${query}`)
      seen.push(...body.chats.map(({ id }: { id: string }) => id))
      query = body.next_cursor && `&cursor=${body.next_cursor}`
    } while (query)
    expect(seen).toEqual(sessions)
    const { body } = await ask('GET', '?limit=2&q=pelican')
    expect((await ask('GET', `?q=heron&cursor=${body.next_cursor}`)).status).toBe(422)
  })

  test('without a word to look for lists all', async () => {
    const bob = await app.newUser()
    const session = await say('hello', {}, bob)
    expect(await found('', bob)).toEqual([session])
  })

  test('of more than 200 characters is 422 that points at it', async () => {
    const { status, body } = await ask('GET', `?q=${'x'.repeat(201)}`)
    expect([status, body.errors[0].pointer]).toEqual([422, '/query/q'])
    expect((await ask('GET', `?q=${encodeURIComponent('字'.repeat(200))}`)).status).toBe(200)
  })
})

const latin = fc
  .stringMatching(/^[\p{L}\p{N}]{1,12}$/u)
  .filter(text => !/[\p{Lo}\p{Lm}\p{sc=Han}]/u.test(text))
const han = fc.string({
  unit: fc.integer({ min: 0x4e00, max: 0x9fff }).map(code => String.fromCodePoint(code)),
  minLength: 1,
  maxLength: 30,
})
const signs = fc.constantFrom(' ', '，', '. ', '\n', '“', ' (', '-', '👋')
const text = fc.array(fc.oneof(latin, han), { minLength: 1, maxLength: 8 }).chain(pieces =>
  fc.record({
    pieces: fc.constant(pieces),
    between: fc.array(signs, { minLength: pieces.length, maxLength: pieces.length }),
  }),
)

describe('what was said', () => {
  test(
    'is found by any of its words, and any piece of its Chinese',
    () =>
      fc.assert(
        fc.asyncProperty(text, fc.nat(), fc.nat(), fc.nat(), async ({ pieces, between }, which, from, to) => {
          const session = await say(pieces.map((piece, i) => piece + between[i]).join(''))
          const characters = [...pieces[which % pieces.length]!]
          const isHan = /\p{sc=Han}/u.test(characters[0]!)
          const start = isHan ? from % characters.length : 0
          const end = isHan ? start + 1 + (to % (characters.length - start)) : undefined
          const q = characters.slice(start, end).join('')
          expect(await found(q)).toContain(session)
          expect(await found(q, mallory)).not.toContain(session)
          await ask('DELETE', `/${session}`)
          expect(await found(q)).not.toContain(session)
        }),
        { numRuns: 60 },
      ),
    60_000,
  )

  test('is found by the first 20,000 characters of a message', async () => {
    const session = await say('speak at length')
    expect([await found('甲乙'), await found('丙')]).toEqual([[session], []])
  })
})

describe('a conversation that a client brings along', () => {
  /** Each message a step of the index; what is looked for is in the last. */
  const said = [...Array(40)].map((_, i, { length }) => ({
    role: i % 2 ? 'assistant' : 'user',
    content: `${i === length - 1 ? '鸿鹄' : ''}${'燕雀'.repeat(6000)}`,
  }))
  const complete = (app: TestApp, who: Person) =>
    app.as(who)('POST', '/openai/chat/completions', {
      messages: [...said, { role: 'user', content: 'well?' }],
    })
  const findIn = (app: TestApp, who: Person) => async (q: string) =>
    (await app.as(who)('GET', `/agent-chats?q=${encodeURIComponent(q)}`)).body.chats.length

  test('is answered before all of it is in the index, and found in the end', async () => {
    const bob = await app.newUser()
    const find = findIn(app, bob)
    expect((await complete(app, bob)).status).toBe(200)
    expect(await find('鸿鹄')).toBe(0)
    while ((await find('鸿鹄')) === 0) await Bun.sleep(10)
  }, 60_000)

  test('is read into the index by the next start where this one ends, which logs nothing of it', async () => {
    const first = await startApp(raw.environment)
    const bob = await first.newUser()
    expect((await complete(first, bob)).status).toBe(200)
    const log = captureLog()
    await first.stop({ keep: true })
    await Bun.sleep(100)
    log.stop()
    expect(log.lines.filter(line => line.includes('index'))).toEqual([])
    const database = new Sqlite(join(first.dataDir, 'parley.db'))
    expect(database.query('SELECT count(*) AS n FROM search_chats WHERE unread > 0').get()).toEqual({ n: 1 })
    database.close()
    const next = await startApp(raw.environment, { dataDir: first.dataDir })
    const find = findIn(next, bob)
    while ((await find('鸿鹄')) === 0) await Bun.sleep(10)
    await next.stop()
  }, 60_000)
})

describe('a question', () => {
  test.each([
    '"',
    '""',
    "'",
    '*',
    '-x',
    'NEAR(a b)',
    'a AND',
    'OR',
    'NOT NOT',
    'words:x',
    '{words}:x',
    '^a',
    '(',
    'a"b*c',
    'a + b',
    '\u0000',
    '%',
    '\\',
    'x'.repeat(200),
    'a '.repeat(100),
  ])('%j is words, and no command', async q => {
    expect(await found(q)).toBeArray()
  })

  test('whatever is in it, is no failure', () =>
    fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 100 }), async text => {
        await found(text.toWellFormed())
      }),
      { numRuns: 200 },
    ))
})

describe('the index', () => {
  test('holds nothing of a chat that is gone, nor of a former title', async () => {
    const small = await startApp(raw.environment)
    const bob = await small.newUser()
    const index = new Sqlite(join(small.dataDir, 'parley.db'))
    const blocks = () => index.query('SELECT block FROM search_data').all() as Array<{ block: Uint8Array }>
    const has = (text: string) => blocks().some(({ block }) => Buffer.from(block).includes(text))
    const say = async (message: string): Promise<string> =>
      (await small.as(bob)('POST', '/agent-chats', { message })).body.session_id
    const stays = await say('some other words')
    const session = await say('xylophonequartz')
    const path = `/agent-chats/${session}`
    await small.as(bob)('PATCH', path, { title: 'bassoonbasalt' })
    expect([has('quartz'), has('basalt')]).toEqual([true, true])
    await small.as(bob)('PATCH', path, { title: 'tubatuff' })
    expect([has('quartz'), has('basalt'), has('tuff')]).toEqual([true, false, true])
    await small.as(bob)('DELETE', path)
    expect([has('quartz'), has('tuff'), has('other')]).toEqual([false, false, true])
    const texts = () => index.query('SELECT count(*) AS n FROM search_docsize').get()
    expect(texts()).not.toEqual({ n: 0 })
    await small.as(bob)('DELETE', `/agent-chats/${stays}`)
    expect(texts()).toEqual({ n: 0 })
    await small.stop()
  })

  test('has a message once, however often it is answered', async () => {
    const small = await startApp(raw.environment)
    const bob = await small.newUser()
    const { body } = await small.as(bob)('POST', '/agent-chats', { message: 'a narwhal' })
    const again = await small.as(bob)('POST', `/agent-chats/${body.session_id}/regenerate`, {})
    expect(again.status).toBe(200)
    const index = new Sqlite(join(small.dataDir, 'parley.db'))
    const texts = index.query('SELECT count(*) AS n FROM search_docsize').get()
    expect(texts).toEqual({ n: 3 })
    index.close()
    await small.stop()
  })

  test('holds nothing of what tools say', async () => {
    const eve = await app.newUser()
    await app.as(eve)('PATCH', '/users/me', { bio: 'quetzalcoatl' })
    const session = await say('who am I?', {}, eve)
    const { messages } = (await ask('GET', `/${session}/messages`, undefined, eve)).body
    expect(JSON.stringify(messages)).toContain('quetzalcoatl')
    expect(await found('quetzalcoatl', eve)).toEqual([])
    expect(await found('yes', eve)).toEqual([session])
  })

  test('keeps two people apart whose marks are the same', async () => {
    const database = new Database(':memory:')
    const chats = chatStore(database)
    await database.write(() => {
      for (const id of ['a-0123abcd', 'b-0123abcd']) {
        database.prepare("INSERT INTO users VALUES (?, ?, ?, '', NULL, NULL, 0)").run(id, id, id)
        database
          .prepare('INSERT INTO chats (id, user_id, created_at, updated_at) VALUES (?, ?, 1, 1)')
          .run(`of-${id}`, id)
        const message = { role: 'user' as const, content: 'the same words' }
        const path = messagePath(database)
        path.append(`of-${id}`, 'run', null, [{ id: 'm', message }], 1)
        path.index(`of-${id}`, ['m'])
      }
    })
    const page = { question: 'words', after: null, limit: 10 }
    expect((await chats.list('b-0123abcd', page)).map(({ id }) => id)).toEqual(['of-b-0123abcd'])
    database.close()
  })

  test('reads on in a chat where it left off', async () => {
    const database = new Database(':memory:')
    database.prepare("INSERT INTO users VALUES ('u', 'u', 'u', '', NULL, NULL, 0)").run()
    const conversations = conversationStore(database, () => {})
    const chat = { chatId: 'c', userId: 'u', attachments: [], attachmentRoom: 0, now: 1 }
    const say = (parent: string | null, from: number, count: number) =>
      conversations.addMessages(
        chat,
        parent,
        Array.from({ length: count }, (_, n) => ({
          id: `m${from + n}`,
          message: { role: 'user' as const, content: 'a word' },
        })),
      )
    const step = backlogOf(database)
    const steps = () => {
      let taken = 0
      while (step()) taken++
      return taken
    }
    await say(null, 0, 1000)
    expect(steps()).toBe(20)
    await say('m999', 1000, 1)
    expect(steps()).toBe(1)
    expect(database.prepare('SELECT count(*) AS n FROM search_docsize').get()).toEqual({ n: 1001 })
    database.close()
  })

  test('reads what was said before there was one', async () => {
    const older = await startApp(raw.environment)
    const bob = await older.newUser()
    const speak = (message: string, session_id?: string) =>
      older.as(bob)('POST', '/agent-chats', { message, session_id })
    const { session_id } = (await speak('say 云南昆明')).body
    for (let n = 0; n < 60; n++) await speak(`message ${n}`, session_id)
    await speak('Kathmandu')
    await older.stop({ keep: true })
    forgetIndex(join(older.dataDir, 'parley.db'))

    const newer = await startApp(raw.environment, { dataDir: older.dataDir })
    const find = async (q: string) =>
      (await newer.as(bob)('GET', `/agent-chats?q=${encodeURIComponent(q)}`)).body.chats.length
    while ((await find('message 59')) === 0) await Bun.sleep(10)
    while ((await find('kathmandu')) === 0) await Bun.sleep(10)
    expect(await find('南昆')).toBe(1)
    expect(await find('message')).toBe(1)
    const database = new Sqlite(join(newer.dataDir, 'parley.db'))
    expect(database.query('SELECT count(*) AS n FROM search_chats WHERE unread > 0').get()).toEqual({ n: 0 })
    await newer.stop()
  }, 60_000)
})

/** Takes a database back to before its migration 0005. */
function forgetIndex(path: string): void {
  const database = new Sqlite(path)
  database.run('DROP TABLE chat_id_key')
  database.run('DROP TABLE attachment_pieces')
  database.run('DROP TABLE attachments')
  database.run('DROP TABLE search_chats')
  database.run('DROP TABLE search')
  database.run('ALTER TABLE chats DROP COLUMN title_by')
  database.run('PRAGMA user_version = 4')
  database.close()
}
