import { Database as Sqlite } from 'bun:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { startApp, type TestApp } from '../harness/app.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({ REDIRECT_ALLOW_LIST: 'https://app.example.com' })
})
afterAll(() => app.stop())

let serial = 0
const fresh = () => `sign_up_${++serial}`
const at = (username: string) => `${username}@example.com`
const begin = (username: string, email = at(username), password = 'secret horse', more = {}) =>
  app.call('POST', '/auth/verifications', { username, email, password, ...more })
const verify = (email: string, token: string) =>
  app.call('POST', '/auth/verifications/verify', { email, token })
const signIn = (email: string, password: string) => app.call('POST', '/auth/sessions', { email, password })
const wrong = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, '0')

describe('POST /auth/verifications', () => {
  test('answers 202 with the address, in lower case and without the spaces around it', async () => {
    const name = fresh()
    const answer = await begin(name, `  ${at(name).toUpperCase()} `)
    expect(answer.status).toBe(202)
    expect(answer.body).toEqual({ email: at(name) })
  })

  test('mails a code in the language asked for, naming the username', async () => {
    const name = fresh()
    await app.call(
      'POST',
      '/auth/verifications',
      { username: name, email: at(name), password: 'secret horse' },
      { 'accept-language': 'zh-CN' },
    )
    const mail = await app.smtp.nextMail(at(name))
    expect(mail.subject).toContain('验证码')
    expect(mail.text).toContain(name)
  })

  test('makes no account by itself', async () => {
    const name = fresh()
    await begin(name)
    expect((await signIn(at(name), 'secret horse')).status).toBe(401)
  })

  test('answers 422 username_taken, whatever the case', async () => {
    const taken = await app.newUser()
    const answer = await begin(taken.username.toUpperCase(), at(fresh()))
    expect(answer.status).toBe(422)
    expect(answer.body.code).toBe('username_taken')
  })

  test('answers the same 202 for an address that has an account, whose owner hears of it once an hour, without a code', async () => {
    const owner = await app.newUser()
    for (const name of [fresh(), fresh()]) {
      const answer = await begin(name, owner.email)
      expect([answer.status, answer.body]).toEqual([202, { email: owner.email }])
    }
    const notice = await app.smtp.nextMail(owner.email)
    expect(notice.text).toContain(owner.username)
    expect(notice.text).not.toMatch(/\d{6}/)
    expect(app.smtp.nextMail(owner.email, 300)).rejects.toThrow()
    expect((await signIn(owner.email, owner.password)).status).toBe(200)
  })

  test('has no more live codes for an address than mails went out, however many sign up for it', async () => {
    const other = await startApp()
    const email = 'wanted@example.com'
    for (let i = 0; i < 12; i++)
      await other.call(
        'POST',
        '/auth/verifications',
        { username: `bot_${i}`, email, password: 'secret horse' },
        { 'x-forwarded-for': `203.0.113.${i}` },
      )
    const file = new Sqlite(`${other.dataDir}/parley.db`, { readonly: true })
    const { live } = file.query('SELECT count(*) AS live FROM codes WHERE email = ?').get(email) as {
      live: number
    }
    file.close()
    expect(live).toBe(5)
    for (let i = 0; i < 5; i++) await other.smtp.nextMail(email)
    expect(other.smtp.nextMail(email, 300)).rejects.toThrow()
    await other.stop()
  })

  test('takes redirect_to only for an allowed origin', async () => {
    const name = fresh()
    for (const redirect_to of [
      'https://evil.example.com/',
      'https://app.example.com.evil.org/',
      'javascript:alert(1)',
      'blob:https://app.example.com/x',
      '//app.example.com',
      'x',
    ]) {
      const answer = await begin(name, at(name), 'secret horse', { redirect_to })
      expect([answer.status, answer.body.code]).toEqual([422, 'redirect_not_allowed'])
    }
    expect(
      (await begin(name, at(name), 'secret horse', { redirect_to: 'https://app.example.com/in?x=1' })).status,
    ).toBe(202)
    expect((await app.smtp.nextMail(at(name))).text).toContain('https://app.example.com/in?x=1&email=')
  })

  test('answers 429 with Retry-After after twenty tries from one client, wrong ones included', async () => {
    const other = await startApp()
    const statuses: number[] = []
    for (let i = 0; i < 21; i++) statuses.push((await other.call('POST', '/auth/verifications', '{')).status)
    expect(statuses).toEqual([...Array(20).fill(422), 429])
    const refused = await other.call('POST', '/auth/verifications', {})
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(refused.body.code).toBe('rate_limited')
    await other.stop()
  })

  const invalid: Array<[string, object, string]> = [
    ['a username of two characters', { username: 'ab' }, '/body/username'],
    ['a username of 31', { username: 'a'.repeat(31) }, '/body/username'],
    ['a username with a hyphen', { username: 'a-b-c' }, '/body/username'],
    ['a username in another script', { username: '张三李四' }, '/body/username'],
    ['no username', { username: undefined }, '/body/username'],
    ['an address without @', { email: 'alice' }, '/body/email'],
    ['an address with a line break', { email: 'a@b.c\r\nbcc: x@y.z' }, '/body/email'],
    ['an address of 300 characters', { email: `${'a'.repeat(290)}@b.example` }, '/body/email'],
    ['a password of five characters', { password: '12345' }, '/body/password'],
    ['a password of 257', { password: 'x'.repeat(257) }, '/body/password'],
    ['a password that is a number', { password: 123456 }, '/body/password'],
  ]
  test.each(invalid)(
    'answers 422 for %s, pointing at it and repeating nothing',
    async (_, change, pointer) => {
      const separate = await shared()
      const body = {
        username: 'alice_x',
        email: 'alice_x@example.com',
        password: 'pass-that-must-not-leak',
        ...change,
      }
      const answer = await separate.call('POST', '/auth/verifications', body)
      expect(answer.status).toBe(422)
      expect(answer.body.errors.map((error: { pointer: string }) => error.pointer)).toEqual([pointer])
      expect(JSON.stringify(answer.body)).not.toContain('pass-that-must-not-leak')
    },
  )
})

// A second app, since refused requests count against the client's limit too.
let second: Promise<TestApp> | undefined
const shared = () => (second ??= startApp())
afterAll(async () => (await second)?.stop())

describe('POST /auth/verifications/verify', () => {
  test('makes the account and signs in', async () => {
    const name = fresh()
    await begin(name)
    const answer = await verify(at(name), await app.codeFor(at(name)))
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      expires_in: 3600,
      token_type: 'bearer',
      user: { id: expect.stringMatching(/^[0-9a-f-]{36}$/), email: at(name) },
    })
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect((await signIn(at(name), 'secret horse')).status).toBe(200)
  })

  test('takes a code once', async () => {
    const name = fresh()
    await begin(name)
    const code = await app.codeFor(at(name))
    expect((await verify(at(name), code)).status).toBe(200)
    const again = await verify(at(name), code)
    expect([again.status, again.body.code]).toEqual([401, 'invalid_code'])
  })

  test('takes a code once from many at the same time', async () => {
    const name = fresh()
    await begin(name)
    const code = await app.codeFor(at(name))
    const statuses = (await Promise.all(Array.from({ length: 8 }, () => verify(at(name), code)))).map(
      a => a.status,
    )
    expect(statuses.filter(status => status === 200)).toHaveLength(1)
  })

  test('does not take the right code after five wrong guesses', async () => {
    const name = fresh()
    await begin(name)
    const code = await app.codeFor(at(name))
    for (let i = 0; i < 5; i++) expect((await verify(at(name), wrong(code))).status).toBe(401)
    expect((await verify(at(name), code)).status).toBe(401)
  })

  test('answers 429 after ten guesses for an address in an hour, across codes', async () => {
    const other = await startApp()
    const guess = () =>
      other.call('POST', '/auth/verifications/verify', { email: 'x@example.com', token: '000000' })
    const statuses: number[] = []
    for (let i = 0; i < 11; i++) statuses.push((await guess()).status)
    expect(statuses).toEqual([...Array(10).fill(401), 429])
    await other.stop()
  })

  test('answers 401 after ten minutes', async () => {
    let clock = Date.now()
    const other = await startApp({}, { now: () => clock })
    await other.call('POST', '/auth/verifications', {
      username: 'late',
      email: 'late@example.com',
      password: 'secret horse',
    })
    const token = await other.codeFor('late@example.com')
    clock += 10 * 60_000 + 1
    expect(
      (await other.call('POST', '/auth/verifications/verify', { email: 'late@example.com', token })).status,
    ).toBe(401)
    await other.stop()
  })

  test('answers 422 username_taken when somebody else proved their mailbox first', async () => {
    const name = fresh()
    const [first, later] = [at(fresh()), at(fresh())]
    await begin(name, first)
    await begin(name, later)
    expect((await verify(later, await app.codeFor(later))).status).toBe(200)
    const answer = await verify(first, await app.codeFor(first))
    expect([answer.status, answer.body.code]).toEqual([422, 'username_taken'])
  })

  test.each(['12345', '1234567', 'abcdef', '１２３４５６', ''])(
    'answers 422 for the code %p',
    async token => {
      expect((await verify('a@example.com', token)).status).toBe(422)
    },
  )
})

/**
 * Attacker and owner sign up for the owner's address, in every order; only the owner reads the mailbox. The
 * password on the account must be that of the attempt whose mail the owner chose, by its username.
 */
describe('sign-up attempts of one address', () => {
  type Step = 'attacker' | 'owner' | 'resend'
  const interleavings: Array<[string, Step[]]> = [
    ['owner alone', ['owner']],
    ['attacker first', ['attacker', 'owner']],
    ['owner first', ['owner', 'attacker']],
    ['attacker on both sides', ['attacker', 'owner', 'attacker']],
    ['owner twice, attacker between', ['owner', 'attacker', 'owner']],
    ['attacker first, then a resend', ['attacker', 'owner', 'resend']],
    ['owner first, then a resend', ['owner', 'attacker', 'resend']],
  ]
  test.each(interleavings)('%s: the code confirms only the attempt it was mailed for', async (_, steps) => {
    let clock = Date.now()
    const other = await startApp({}, { now: () => clock })
    const email = 'victim@example.com'
    const mails: Array<{ text: string }> = []
    for (const step of steps) {
      clock += 61_000
      if (step === 'resend') await other.call('POST', '/auth/verifications/resend', { email })
      else
        await other.call('POST', '/auth/verifications', {
          username: step,
          email,
          password: `password of ${step}`,
        })
      const expected = step === 'resend' ? new Set(steps.filter(s => s !== 'resend')).size : 1
      for (let i = 0; i < expected; i++) mails.push(await other.smtp.nextMail(email))
    }
    const owners = mails.filter(mail => mail.text.includes('"owner"')).at(-1)!
    const token = /^\s*(\d{6})\s*$/m.exec(owners.text)![1]!
    const verified = await other.call('POST', '/auth/verifications/verify', { email, token })
    expect(verified.status).toBe(200)
    const me = await other.as(verified.body)('GET', '/users/me')
    expect(me.body.username).toBe('owner')
    expect(
      (await other.call('POST', '/auth/sessions', { email, password: 'password of owner' })).status,
    ).toBe(200)
    expect(
      (await other.call('POST', '/auth/sessions', { email, password: 'password of attacker' })).status,
    ).toBe(401)
    // The winner voids all others.
    for (const mail of mails) {
      const code = /^\s*(\d{6})\s*$/m.exec(mail.text)![1]!
      expect((await other.call('POST', '/auth/verifications/verify', { email, token: code })).status).toBe(
        401,
      )
    }
    await other.stop()
  })
})

describe('POST /auth/verifications/resend', () => {
  const resend = (on: TestApp, email: string) => on.call('POST', '/auth/verifications/resend', { email })

  test('answers 204 for an unknown address and for an account alike, and mails nothing', async () => {
    const owner = await app.newUser()
    for (const email of ['nobody@example.com', owner.email]) {
      expect((await resend(app, email)).status).toBe(204)
      expect(app.smtp.nextMail(email, 200)).rejects.toThrow()
    }
  })

  test('mails a new code at most once a minute; the new code replaces the old', async () => {
    let clock = Date.now()
    const other = await startApp({}, { now: () => clock })
    const email = 'again@example.com'
    await other.call('POST', '/auth/verifications', { username: 'again', email, password: 'secret horse' })
    const first = await other.codeFor(email)
    expect((await resend(other, email)).status).toBe(204)
    expect(other.smtp.nextMail(email, 300)).rejects.toThrow()
    clock += 61_000
    expect((await resend(other, email)).status).toBe(204)
    const renewed = await other.codeFor(email)
    if (renewed !== first)
      expect((await other.call('POST', '/auth/verifications/verify', { email, token: first })).status).toBe(
        401,
      )
    expect((await other.call('POST', '/auth/verifications/verify', { email, token: renewed })).status).toBe(
      200,
    )
    await other.stop()
  })

  test('mails an address at most five times an hour', async () => {
    let clock = Date.now()
    const other = await startApp({}, { now: () => clock })
    const email = 'often@example.com'
    await other.call('POST', '/auth/verifications', { username: 'often', email, password: 'secret horse' })
    for (let i = 0; i < 8; i++) {
      clock += 61_000
      expect((await resend(other, email)).status).toBe(204)
    }
    for (let i = 0; i < 5; i++) await other.smtp.nextMail(email)
    expect(other.smtp.nextMail(email, 300)).rejects.toThrow()
    await other.stop()
  })

  test('answers 422 for what is no address', async () => {
    expect((await resend(app, 'nobody')).status).toBe(422)
  })
})
