import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { connect } from 'node:net'
import fc from 'fast-check'
import { type ErrorCode, errorCodes } from '../src/errors.ts'
import { statusOf } from '../src/http/problem.ts'
import { startApp, type TestApp } from './harness/app.ts'
import { captureLog } from './harness/log.ts'

let app: TestApp
let alice: Awaited<ReturnType<TestApp['newUser']>>
beforeAll(async () => {
  app = await startApp({ CORS_ORIGINS: 'https://app.example.com' })
  alice = await app.newUser()
})
afterAll(() => app.stop())

/** Sends bytes as they are, and returns what comes back until the connection is closed or silent. */
function raw(bytes: string | Buffer, silentMs = 300): Promise<string> {
  const { port } = new URL(app.url)
  return new Promise((resolve, reject) => {
    let heard = ''
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes))
    socket.setTimeout(silentMs, () => socket.destroy())
    socket.on('data', data => {
      heard += data
    })
    socket.on('close', () => resolve(heard))
    socket.on('error', error =>
      'code' in error && error.code === 'ECONNRESET' ? resolve(heard) : reject(error),
    )
  })
}

function expectProblem(
  answer: { status: number; headers: Headers; body: Record<string, unknown> },
  code: ErrorCode,
) {
  expect(answer.body.code).toBe(code)
  expect(answer.status).toBe(statusOf[code])
  expect(answer.body.status).toBe(answer.status)
  expect(answer.body.type).toBe('about:blank')
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.headers.get('content-language')).toMatch(/^(en|zh-CN)$/)
  expect(answer.headers.get('vary')).toContain('Accept-Language')
}

describe('every error is a problem document', () => {
  test.each(['/nope', '/users', '/users/me/x', '/auth/', '/api/v1/health'])(
    'unknown path %s: 404',
    async path => {
      const answer = await app.call('GET', `${path}?q=1`)
      expectProblem(answer, 'not_found')
      expect(answer.body.instance).toBe(`/api/v1${path}`)
    },
  )

  test('unknown path, asked for by OPTIONS: 404 as well', async () => {
    const headers = { origin: 'https://app.example.com', 'access-control-request-method': 'GET' }
    for (const path of ['/nope', '/users/me/x'])
      expectProblem(await app.call('OPTIONS', path, undefined, headers), 'not_found')
  })

  test.each([
    ['GET', '/auth/sessions', 'DELETE, POST'],
    ['PUT', '/auth/sessions', 'DELETE, POST'],
    ['POST', '/health', 'GET, HEAD'],
    ['DELETE', '/users/me', 'GET, HEAD, PATCH'],
    ['PROPFIND', '/users/me', 'GET, HEAD, PATCH'],
    ['POST', '/users/alice', 'GET, HEAD'],
    ['DELETE', '/agent-chats', 'GET, HEAD, POST'],
  ])('wrong method %s %s: 405 with Allow', async (method, path, allow) => {
    const answer = await app.call(method, path)
    expectProblem(answer, 'method_not_allowed')
    expect(answer.headers.get('allow')).toBe(allow)
  })

  test('wrong method on a path that looks like another with a parameter: 405 with Allow', async () => {
    for (const method of ['DELETE', 'PATCH']) {
      const answer = await app.as(alice)(method, '/agent-chats/models')
      expectProblem(answer, 'method_not_allowed')
      expect(answer.headers.get('allow')).toBe('GET, HEAD')
    }
  })

  test('a body that is not JSON: 422', async () => {
    for (const body of [
      '',
      '{',
      '[1,',
      'null',
      '{"a":1}x',
      '\u0000',
      '['.repeat(60_000),
      '{"a":'.repeat(10_000),
    ]) {
      const answer = await app.as(alice)('PATCH', '/users/me', body)
      expect(answer.status).toBe(422)
      expect(['malformed_json', 'invalid_request']).toContain(answer.body.code)
    }
  })

  test('a body of another type: 422 that says which', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/jsonp',
    ])
      expectProblem(
        await app.as(alice)('PATCH', '/users/me', '{}', { 'content-type': type }),
        'unsupported_media_type',
      )
    expect(
      (await app.as(alice)('PATCH', '/users/me', '{}', { 'content-type': 'application/json; charset=utf-8' }))
        .status,
    ).toBe(200)
  })

  test('a body over 64 KiB: 413, announced or not', async () => {
    const large = JSON.stringify({ bio: 'x'.repeat(70_000) })
    expectProblem(await app.as(alice)('PATCH', '/users/me', large), 'body_too_large')
    const chunked = await fetch(`${app.url}/api/v1/users/me`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${alice.access_token}`, 'content-type': 'application/json' },
      body: new ReadableStream({
        start(controller) {
          for (let i = 0; i < 20; i++) controller.enqueue(new TextEncoder().encode('x'.repeat(8192)))
          controller.close()
        },
      }),
    })
    expect(chunked.status).toBe(413)
    expect(((await chunked.json()) as { code: string }).code).toBe('body_too_large')
  })

  test.each(['a', 'ab', 'a@b.com', 'x/y', '[', '????', '%zz', 'a b', '999999999999'])(
    'the Host %p does not change the path: 400',
    async host => {
      const answer = await raw(
        `GET /zz/api/v1/health?q HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
        5000,
      )
      expect(answer).toStartWith('HTTP/1.1 400')
      expect(answer).toContain('"instance":"/zz/api/v1/health","code":"bad_host"')
      expect(answer).toMatch(/^x-request-id: [0-9a-f-]{36}\r$/im)
      expect(answer).toMatch(/^x-content-type-options: nosniff\r$/im)
    },
  )

  test('HTTP/1.0 without a Host: 400', async () => {
    expect(await raw('GET /api/v1/health HTTP/1.0\r\n\r\n', 5000)).toContain('"code":"bad_host"')
  })

  test('has a status and a title for each code', () => {
    for (const code of errorCodes) expect(statusOf[code]).toBeGreaterThanOrEqual(400)
  })
})

describe('the language', () => {
  test.each([
    ['zh-CN', 'zh-CN'],
    ['zh-TW,zh;q=0.8', 'zh-CN'],
    ['en-GB,en;q=0.9,zh;q=0.1', 'en'],
    ['fr, zh;q=0.2', 'zh-CN'],
    ['fr', 'en'],
    ['*', 'en'],
    ['', 'en'],
    ['\u00ff;;;q=x,,,', 'en'],
  ])('for Accept-Language %p is %s', async (wanted, language) => {
    const answer = await app.call('GET', '/nope', undefined, { 'accept-language': wanted })
    expect(answer.headers.get('content-language')).toBe(language)
    expect(/[\u4e00-\u9fff]/.test(answer.body.detail)).toBe(language === 'zh-CN')
  })

  test('of the fields of a 422 is the same', async () => {
    const answer = await app.as(alice)('PATCH', '/users/me', { username: 'ab' }, { 'accept-language': 'zh' })
    expect(answer.body.errors).toEqual([{ pointer: '/body/username', detail: '至少 3 个字符' }])
  })

  test('of a 422 names each field once, a missing one as missing', async () => {
    const answer = await app.call('POST', '/auth/verifications', { username: 'a b', email: 7 })
    expect(answer.body.errors).toEqual([
      { pointer: '/body/password', detail: 'is required' },
      { pointer: '/body/username', detail: 'has the wrong format' },
      { pointer: '/body/email', detail: 'must be of type string' },
    ])
  })
})

describe('what is wrong with a field is said as it is', () => {
  const many = (count: number) => '👋'.repeat(count)
  const id = '019e18ee-7aa0-7000-bf5d-cf5f5614f752'
  const signUp = { username: 'carol', email: 'carol@example.com', password: 'correct horse' }
  const messages = [{ role: 'user', content: 'Hello' }]
  const faults: Array<[method: string, path: string, body: object, errors: Record<string, string>]> = [
    ['PATCH', '/users/me', { bio: many(201) }, { bio: 'must have at most 200 characters' }],
    ['PATCH', '/users/me', { bio: 7 }, { bio: 'must be of type string' }],
    ['PATCH', '/users/me', { avatar_url: {} }, { avatar_url: 'must be of type string' }],
    ['PATCH', '/users/me', { avatar_url: 'bob.png' }, { avatar_url: 'has the wrong format' }],
    ['PATCH', '/users/me', { avatar_url: 'https://[' }, { avatar_url: 'must be a valid uri' }],
    [
      'PATCH',
      '/users/me',
      { avatar_url: `https://example.com/${'x'.repeat(2029)}` },
      { avatar_url: 'must have at most 2048 characters' },
    ],
    [
      'POST',
      '/auth/verifications',
      { ...signUp, password: many(5), redirect_to: 1 },
      { password: 'must have at least 6 characters', redirect_to: 'must be of type string' },
    ],
    ['POST', '/auth/sessions', { ...signUp, password: 7 }, { password: 'must be of type string' }],
    [
      'POST',
      '/auth/sessions',
      { ...signUp, password: many(257) },
      { password: 'must have at most 256 characters' },
    ],
    ['POST', '/auth/sessions', { ...signUp, email: 'carol@2130706433' }, { email: 'has the wrong format' }],
    [
      'POST',
      '/openai/chat/completions',
      { messages, stream_options: 5 },
      { stream_options: 'must be of type object' },
    ],
    ['POST', '/openai/chat/completions', { messages, tools: '' }, { tools: 'must be of type array' }],
    // None of its entries is told of, wrong as they are: nobody waits until all have been looked at.
    [
      'POST',
      '/openai/chat/completions',
      { messages: Array(2001).fill(7) },
      { messages: 'must have at most 2000 entries' },
    ],
    ['POST', '/agent-chats', { message: '' }, { message: 'must have at least 1 characters' }],
    ['POST', '/agent-chats', { message: many(8001) }, { message: 'must have at most 8000 characters' }],
    [
      'POST',
      '/agent-chats',
      { message: 'x', session_id: `urn:uuid:${id}` },
      { session_id: 'must be a valid uuid' },
    ],
    ['POST', '/agent-chats', { message: 'x', session_id: `{${id}}` }, { session_id: 'must be a valid uuid' }],
  ]
  test.each(faults)('%s %s %#', async (method, path, body, errors) => {
    const answer = await app.as(alice)(method, path, body)
    expectProblem(answer, 'invalid_request')
    expect(answer.body.errors).toEqual(
      Object.entries(errors).map(([name, detail]) => ({ pointer: `/body/${name}`, detail })),
    )
  })

  test('and a length counts characters, of which an emoji is one', async () => {
    const bio = many(200)
    expect((await app.as(alice)('PATCH', '/users/me', { bio })).body.bio).toBe(bio)
    const begun = await app.call('POST', '/auth/verifications', { ...signUp, password: many(6) })
    expect(begun.status).toBe(202)
    const answer = await app.as(alice)('POST', '/agent-chats', { message: many(8000), session_id: id })
    expect([answer.status, answer.body.session_id]).toEqual([200, id])
  })
})

describe('every response', () => {
  test("bears a request id, the caller's own where it is sane", async () => {
    const idFor = async (id?: string) =>
      (await app.call('GET', '/health', undefined, id ? { 'x-request-id': id } : {})).headers.get(
        'x-request-id',
      )
    expect(await idFor('abc-123')).toBe('abc-123')
    expect(await idFor()).toMatch(/^[0-9a-f-]{36}$/)
    for (const insane of ['a b', '<script>', 'x'.repeat(129)])
      expect(await idFor(insane)).toMatch(/^[0-9a-f-]{36}$/)
  })

  test.each(['/health', '/nope', '/users/me'])('bears the security headers: %s', async path => {
    const { headers } = await app.call('GET', path)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(headers.get('cache-control')).toBe('no-store')
  })

  test('may be read by the origins of CORS_ORIGINS, and by no others', async () => {
    const from = (origin: string, method = 'GET') =>
      app.call(method, '/health', undefined, { origin, 'access-control-request-method': 'GET' })
    expect((await from('https://app.example.com')).headers.get('access-control-allow-origin')).toBe(
      'https://app.example.com',
    )
    expect((await from('https://evil.example.com')).headers.get('access-control-allow-origin')).toBeNull()
    const preflight = await from('https://app.example.com', 'OPTIONS')
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-headers')).toContain('Authorization')
  })
})

test('the debug log tells each request with its status, and no secret', async () => {
  const log = captureLog()
  const other = await startApp({ LOG_LEVEL: 'debug' })
  const bob = await other.newUser({ password: 'a password to look for' })
  await other.as(bob)('GET', '/users/me?secret=query')
  await other.call('GET', '/users/me')
  await other.call('GET', '/nope')
  await other.call('PUT', '/users/me')
  await Bun.sleep(20)
  await other.stop()
  const lines = log.lines.join('\n')
  log.stop()
  for (const told of [
    'POST /api/v1/auth/verifications 202',
    'GET /api/v1/users/me 200',
    'GET /api/v1/users/me 401',
    'GET /api/v1/nope 404',
    'PUT /api/v1/users/me 405',
  ])
    expect(lines).toContain(told)
  for (const secret of ['a password to look for', 'secret=query', bob.access_token, bob.refresh_token])
    expect(lines).not.toContain(secret)
})

describe('GET', () => {
  test('/health', async () => {
    expect((await app.call('GET', '/health')).body).toEqual({ status: 'ok' })
    const head = await app.call('HEAD', '/health')
    expect([head.status, head.body]).toEqual([200, ''])
  })

  test('/infra/health', async () => {
    const part = { status: 'healthy', latency_ms: expect.any(Number) }
    expect((await app.call('GET', '/infra/health')).body).toEqual({
      status: 'healthy',
      services: { redis: { ...part, backend: 'embedded' }, database: part, mcp: {} },
    })
  })

  test('/infra/ready', async () => {
    expect((await app.call('GET', '/infra/ready')).body).toEqual({ status: 'ready' })
  })
})

describe('hostile input', () => {
  const routes: Array<[string, string]> = [
    ['POST', '/auth/verifications'],
    ['POST', '/auth/verifications/resend'],
    ['POST', '/auth/verifications/verify'],
    ['POST', '/auth/sessions'],
    ['POST', '/auth/sessions/refresh'],
    ['DELETE', '/auth/sessions'],
    ['PATCH', '/users/me'],
    ['POST', '/agent-chats'],
    ['PATCH', '/agent-chats/019e18ee-7aa0-7001-8c6e-3f1f6a0c2d11'],
  ]
  const members = [
    'username',
    'email',
    'password',
    'redirect_to',
    'token',
    'refresh_token',
    'avatar_url',
    'bio',
    'message',
    'session_id',
    'title',
    'head_message_id',
    '__proto__',
    'constructor',
  ]
  const hostile = fc.oneof(
    fc.jsonValue({ maxDepth: 5 }),
    fc.dictionary(
      fc.constantFrom(...members),
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc.jsonValue(),
        fc.constantFrom('\u0000', '\ud800', "' OR 1=1 --", '\u202e'),
      ),
    ),
  )

  test('random bodies never get a 5xx', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...routes), hostile, async ([method, path], body) => {
        const answer = await app.as(alice)(method, path, JSON.stringify(body))
        expect(answer.status).toBeLessThan(500)
        if (answer.status >= 400) expect(answer.headers.get('content-type')).toBe('application/problem+json')
      }),
      { numRuns: 300, endOnFailure: true },
    )
    expect((await app.call('GET', '/health')).status).toBe(200)
  }, 60_000)

  test('random paths and queries never get a 5xx', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 100 }), async text => {
        for (const path of [
          `/users/${encodeURIComponent(text.toWellFormed())}`,
          `/auth/users?email=${encodeURIComponent(text.toWellFormed())}`,
          `/agent-chats?cursor=${encodeURIComponent(text.toWellFormed())}`,
        ])
          expect((await app.as(alice)('GET', path)).status).toBeLessThan(500)
      }),
      { numRuns: 100, endOnFailure: true },
    )
  })

  const lines: Array<[string, string]> = [
    ['no Host', 'GET /api/v1/health HTTP/1.1\r\n\r\n'],
    [
      'an absolute address',
      'GET http://other.example/api/v1/health HTTP/1.1\r\nHost: x.example\r\nConnection: close\r\n\r\n',
    ],
    [
      'a header of 100 KB',
      `GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`,
    ],
    ['a path of 60 KB', `GET /${'x'.repeat(60_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`],
    ['rubbish', '\u0000\u0001\u0002\r\n\r\n'],
    [
      'broken escapes',
      'GET /api/v1/users/%zz%00%ff HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    ],
    [
      'two lengths',
      'POST /api/v1/auth/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}',
    ],
    [
      'a negative length',
      'POST /api/v1/auth/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n{}',
    ],
    [
      'a huge length',
      'POST /api/v1/auth/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{}',
    ],
    [
      'length and chunks',
      'POST /api/v1/auth/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
  ]
  test.each(lines)('%s is no 5xx, and the server lives on', async (_, bytes) => {
    expect(await raw(bytes)).not.toMatch(/^HTTP\/1\.1 5/)
    expect((await app.call('GET', '/health')).status).toBe(200)
  })
})
