import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { startApp, type TestApp } from '../harness/app.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({ ADMIN_EMAILS: 'admin@example.com' })
})
afterAll(() => app.stop())

const signIn = (email: string, password: string, on = app) =>
  on.call('POST', '/auth/sessions', { email, password })
const refresh = (refresh_token: unknown, on = app) =>
  on.call('POST', '/auth/sessions/refresh', { refresh_token })
const signOut = (refresh_token: unknown) => app.call('DELETE', '/auth/sessions', { refresh_token })

describe('POST /auth/sessions', () => {
  test('signs in by address, whatever its case, and password', async () => {
    const alice = await app.newUser()
    const answer = await signIn(` ${alice.email.toUpperCase()} `, alice.password)
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      expires_in: 3600,
      token_type: 'bearer',
      user: alice.user,
    })
    expect(answer.headers.get('cache-control')).toBe('no-store')
  })

  test('takes a password however its characters are composed, and never cut short', async () => {
    const password = `pässwörd ${'长'.repeat(100)}`
    const alice = await app.newUser({ password })
    expect((await signIn(alice.email, password.normalize('NFD'))).status).toBe(200)
    expect((await signIn(alice.email, `${password}!`)).status).toBe(401)
  })

  test('answers 401 alike for a wrong password and an unknown address', async () => {
    const alice = await app.newUser()
    const answers = await Promise.all([
      signIn(alice.email, 'wrong horse'),
      signIn('nobody@example.com', 'wrong horse'),
    ])
    for (const { status, headers, body } of answers) {
      expect(status).toBe(401)
      expect(headers.get('www-authenticate')).toBe('Bearer')
      expect(body).toEqual({
        type: 'about:blank',
        title: 'Unauthorized',
        status: 401,
        detail: 'The e-mail address or the password is wrong.',
        instance: '/api/v1/auth/sessions',
        code: 'invalid_credentials',
      })
    }
  })

  test.each([
    [{}],
    [{ email: 'a@example.com' }],
    [{ email: 'a@example.com', password: '12345' }],
    [[]],
    [null],
    ['"x"'],
  ])('answers 422 for %j', async body => {
    expect((await app.call('POST', '/auth/sessions', body)).status).toBe(422)
  })

  test('answers 429 after ten wrong passwords for one account, from any mix of clients, even all at once; live sessions and known clients go on', async () => {
    const other = await startApp()
    const from = (address: string, password: string) =>
      other.call(
        'POST',
        '/auth/sessions',
        { email: 'alice@example.com', password },
        { 'x-forwarded-for': address },
      )
    const alice = await other.newUser({ username: 'alice' })
    const answers = await Promise.all(
      Array.from({ length: 15 }, (_, i) => from(`203.0.113.${i}`, 'wrong horse')),
    )
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(10)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(5)
    // The right password does not help a stranger now ...
    expect((await from('198.51.100.7', alice.password)).status).toBe(429)
    // ... but the owner's live session and the client it was started from do not notice.
    expect((await refresh(alice.refresh_token, other)).status).toBe(200)
    expect((await from(alice.address, alice.password)).status).toBe(200)
    await other.stop()
  }, 60_000)

  test('answers 429 after thirty failures from one client, over any accounts; right passwords do not count', async () => {
    const other = await startApp()
    const alice = await other.newUser({ username: 'alice' })
    for (let i = 0; i < 3; i++) expect((await signIn(alice.email, alice.password, other)).status).toBe(200)
    const answers = await Promise.all(
      Array.from({ length: 31 }, (_, i) => signIn(`somebody${i}@example.com`, 'wrong horse', other)),
    )
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(30)
    const [refused] = answers.filter(({ status }) => status === 429)
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0)
    await other.stop()
  }, 60_000)

  test('answers 503 when more wait for a hash than the queue holds, and goes on afterwards', async () => {
    const other = await startApp()
    const attempts = Array.from({ length: 200 }, (_, i) =>
      other.call(
        'POST',
        '/auth/sessions',
        { email: `u${i}@example.com`, password: 'wrong horse' },
        { 'x-forwarded-for': `10.0.${i}.1` },
      ),
    )
    const statuses = (await Promise.all(attempts)).map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set([401, 503]))
    expect((await signIn('u@example.com', 'wrong horse', other)).status).toBe(401)
    await other.stop()
  }, 60_000)
})

describe('POST /auth/sessions/refresh', () => {
  test('answers with new tokens of the same session', async () => {
    const alice = await app.newUser()
    const answer = await refresh(alice.refresh_token)
    expect(answer.status).toBe(200)
    expect(answer.body.user).toEqual(alice.user)
    expect(answer.body.refresh_token).not.toBe(alice.refresh_token)
    expect((await app.as(answer.body)('GET', '/users/me')).status).toBe(200)
    // The access token from before lives on until it expires.
    expect((await app.as(alice)('GET', '/users/me')).status).toBe(200)
  })

  test('answers many tabs with one and the same successor', async () => {
    const alice = await app.newUser()
    const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(alice.refresh_token)))
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
    const successors = new Set(answers.map(({ body }) => body.refresh_token))
    expect(successors.size).toBe(1)
    expect((await refresh([...successors][0])).status).toBe(200)
  })

  test('takes the one before for ten seconds; later it is theft and ends that session alone', async () => {
    let clock = Date.now()
    const other = await startApp({}, { now: () => clock })
    const alice = await other.newUser()
    const elsewhere = (await signIn(alice.email, alice.password, other)).body
    const rotated = (await refresh(alice.refresh_token, other)).body
    clock += 10_000
    expect((await refresh(alice.refresh_token, other)).body.refresh_token).toBe(rotated.refresh_token)
    clock += 1
    expect((await refresh(alice.refresh_token, other)).status).toBe(401)
    expect((await refresh(rotated.refresh_token, other)).status).toBe(401)
    expect((await other.as(rotated)('GET', '/users/me')).status).toBe(401)
    expect((await refresh(elsewhere.refresh_token, other)).status).toBe(200)
    await other.stop()
  })

  test('takes the one before no longer when the clock is set back by a day', async () => {
    let clock = Date.now()
    const other = await startApp({}, { now: () => clock })
    const alice = await other.newUser()
    await refresh(alice.refresh_token, other)
    clock -= 24 * 3600 * 1000
    expect((await refresh(alice.refresh_token, other)).status).toBe(401)
    await other.stop()
  })

  test('slides for thirty days from the last use', async () => {
    let clock = Date.now()
    const day = 24 * 3600 * 1000
    const other = await startApp({}, { now: () => clock })
    const alice = await other.newUser()
    clock += 29 * day
    const second = await refresh(alice.refresh_token, other)
    expect(second.status).toBe(200)
    clock += 29 * day
    const third = await refresh(second.body.refresh_token, other)
    expect(third.status).toBe(200)
    clock += 30 * day + 1
    expect((await refresh(third.body.refresh_token, other)).status).toBe(401)
    await other.stop()
  })

  test('answers 401 for what is no token of ours', async () => {
    const alice = await app.newUser()
    const token = alice.refresh_token
    const changed = (i: number) => token.slice(0, i) + (token[i] === 'A' ? 'B' : 'A') + token.slice(i + 1)
    for (const wrong of [
      'x',
      alice.access_token.slice(0, 512),
      `${token}=`,
      ` ${token}`,
      token.slice(1),
      ...[0, 24, 30, 60].map(changed),
    ]) {
      const answer = await refresh(wrong)
      expect([answer.status, answer.body.code]).toEqual([401, 'invalid_refresh_token'])
    }
    expect((await refresh(token)).status).toBe(200)
  })

  test.each([[{}], [{ refresh_token: 5 }], [{ refresh_token: '' }], [{ refresh_token: 'x'.repeat(513) }]])(
    'answers 422 for %j',
    async body => {
      expect((await app.call('POST', '/auth/sessions/refresh', body)).status).toBe(422)
    },
  )

  test('survives a restart, and nothing that could be replayed is on the disk', async () => {
    const first = await startApp()
    const alice = await first.newUser({ password: 'a password to look for' })
    await first.stop({ keep: true })
    const files = await Array.fromAsync(new Bun.Glob('parley.db*').scan(first.dataDir), name =>
      Bun.file(`${first.dataDir}/${name}`).bytes(),
    )
    const disk = Buffer.concat(files)
    for (const secret of [
      alice.refresh_token,
      alice.access_token,
      'a password to look for',
      alice.refresh_token.slice(-43),
    ])
      expect(disk.includes(secret)).toBe(false)
    const again = await startApp({}, { dataDir: first.dataDir })
    expect((await again.as(alice)('GET', '/users/me')).status).toBe(200)
    expect((await refresh(alice.refresh_token, again)).status).toBe(200)
    await again.stop()
  })
})

describe('DELETE /auth/sessions', () => {
  test('ends the session: its tokens stop working at once, other sessions go on', async () => {
    const alice = await app.newUser()
    const elsewhere = (await signIn(alice.email, alice.password)).body
    const answer = await signOut(alice.refresh_token)
    expect([answer.status, answer.body]).toEqual([204, ''])
    expect((await app.as(alice)('GET', '/users/me')).status).toBe(401)
    expect((await refresh(alice.refresh_token)).status).toBe(401)
    expect((await app.as(elsewhere)('GET', '/users/me')).status).toBe(200)
  })

  test('answers 204 whatever the token was', async () => {
    const alice = await app.newUser()
    for (const token of [
      alice.refresh_token,
      alice.refresh_token,
      'no token',
      alice.access_token.slice(0, 500),
    ])
      expect((await signOut(token)).status).toBe(204)
  })

  test('ends the session by any of its tokens', async () => {
    const alice = await app.newUser()
    const rotated = (await refresh(alice.refresh_token)).body
    await signOut(alice.refresh_token)
    expect((await refresh(rotated.refresh_token)).status).toBe(401)
  })

  test.each([[undefined], [{}], [{ refresh_token: null }]])('answers 422 for %j', async body => {
    expect((await app.call('DELETE', '/auth/sessions', body)).status).toBe(422)
  })
})

describe('an access token', () => {
  test.each(['', 'Bearer', 'Bearer x', 'Bearer a.b.c', 'Basic YTpi', 'Token x'])(
    'of the form %p is answered 401',
    async authorization => {
      const answer = await app.call('GET', '/users/me', undefined, { authorization })
      expect([answer.status, answer.headers.get('www-authenticate'), answer.body.code]).toEqual([
        401,
        'Bearer',
        'unauthenticated',
      ])
    },
  )

  test('is looked at before the body is', async () => {
    for (const body of ['{"username":1}', '{', 'x'.repeat(70_000)])
      expect((await app.call('PATCH', '/users/me', body)).status).toBe(401)
  })

  test('carries the claims that are promised', async () => {
    const other = await startApp({ PUBLIC_URL: 'https://parley.example.com' })
    const alice = await other.newUser()
    const claims = JSON.parse(Buffer.from(alice.access_token.split('.')[1]!, 'base64url').toString())
    expect(claims).toEqual({
      sub: alice.user.id,
      sid: expect.any(String),
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: claims.iat + 3600,
      iss: 'https://parley.example.com',
      aud: 'parley',
    })
    await other.stop()
  })

  test('lives an hour', async () => {
    let age = 3_540_000
    const other = await startApp({}, { now: () => Date.now() - age })
    const young = await other.newUser()
    age = 3_601_000
    const old = (await signIn(young.email, young.password, other)).body
    expect((await other.as(young)('GET', '/users/me')).status).toBe(200)
    expect((await other.as(old)('GET', '/users/me')).status).toBe(401)
    await other.stop()
  })
})

describe('GET /auth/users', () => {
  const find = (who: { access_token: string }, email: string) =>
    app.as(who)('GET', `/auth/users?email=${encodeURIComponent(email)}`)

  test("finds one's own account", async () => {
    const alice = await app.newUser()
    const { status, body } = await find(alice, alice.email.toUpperCase())
    expect(status).toBe(200)
    expect(body).toEqual({
      ...alice.user,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      email_confirmed_at: body.created_at,
    })
  })

  test('answers 403 for anybody else, whether or not they exist', async () => {
    const [alice, bob] = [await app.newUser(), await app.newUser()]
    for (const email of [bob.email, 'nobody@example.com']) {
      const answer = await find(alice, email)
      expect([answer.status, answer.body.code]).toEqual([403, 'forbidden'])
    }
  })

  test('shows an admin everybody, and 404 for nobody', async () => {
    const [admin, bob] = [await app.newUser({ username: 'admin' }), await app.newUser()]
    expect((await find(admin, bob.email)).body.id).toBe(bob.user.id)
    expect((await find(admin, 'nobody@example.com')).status).toBe(404)
  })

  test('answers 401 without a token, 422 without a proper address', async () => {
    const alice = await app.newUser()
    expect((await app.call('GET', '/auth/users?email=a@example.com')).status).toBe(401)
    expect((await app.call('GET', '/auth/users')).status).toBe(401)
    expect((await app.as(alice)('GET', '/auth/users')).status).toBe(422)
    expect((await find(alice, 'nobody')).status).toBe(422)
  })
})
