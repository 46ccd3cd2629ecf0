/** The whole app with a real Redis, and without it. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { startApp, type TestApp } from '../harness/app.ts'
import { type RedisServer, startRedis } from '../harness/redis.ts'
import { stopwatch } from '../harness/stopwatch.ts'

let redis: RedisServer
let app: TestApp
beforeAll(async () => {
  redis = await startRedis()
  app = await startApp({ REDIS_URL: redis.url })
  await untilHealthy()
})
afterAll(async () => {
  await app.stop()
  await redis.stop()
})

const health = async () => (await app.call('GET', '/infra/health')).body

async function untilHealthy(): Promise<number> {
  const start = performance.now()
  while ((await health()).status !== 'healthy') await Bun.sleep(50)
  return performance.now() - start
}

/** The answer, if it came within two seconds, and the time that it takes anyway. */
async function inTime(answer: ReturnType<TestApp['call']>, anyway = 0) {
  const took = stopwatch()
  const { status, headers, body } = await answer
  expect(took()).toBeLessThan(2000 + anyway)
  return { status, headers, code: body?.code }
}

const verify = (token: string, email: string) =>
  app.call('POST', '/auth/verifications/verify', { email, token })

test('with Redis the whole way from sign-up to sign-in is as without', async () => {
  expect(await health()).toMatchObject({
    status: 'healthy',
    services: { redis: { status: 'healthy', backend: 'redis' } },
  })
  const bob = await app.newUser()
  expect((await app.call('POST', '/auth/sessions', bob)).status).toBe(200)
  expect((await verify('000000', bob.email)).status).toBe(401)
})

describe.each([
  ['killed', () => redis.kill(), () => redis.restart()],
  ['frozen', async () => redis.pause(), async () => redis.resume()],
] as const)('with Redis %s', (_, lose, bringBack) => {
  test('signed-in work, refresh and sign-in go on; what needs a code is 503 in time; all recovers by itself', async () => {
    const alice = await app.newUser()
    const signIn = (password: string) =>
      app.call(
        'POST',
        '/auth/sessions',
        { email: alice.email, password },
        { 'x-forwarded-for': `${alice.address}9` },
      )
    const took = stopwatch()
    await signIn(alice.password)
    const hash = took()
    await lose()
    expect((await inTime(app.as(alice)('GET', '/users/me'))).status).toBe(200)
    expect((await inTime(app.as(alice)('PATCH', '/users/me', { bio: 'still here' }))).status).toBe(200)
    const refreshed = await app.call('POST', '/auth/sessions/refresh', { refresh_token: alice.refresh_token })
    expect(refreshed.status).toBe(200)
    alice.refresh_token = refreshed.body.refresh_token

    const code = app.call('POST', '/auth/verifications', {
      username: 'nobody',
      email: 'nobody@example.com',
      password: 'secret horse',
    })
    for (const request of [
      code,
      app.call('POST', '/auth/verifications/resend', { email: alice.email }),
      verify('000000', alice.email),
    ]) {
      const answer = await inTime(request)
      expect([answer.status, answer.code]).toEqual([503, 'codes_unavailable'])
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    expect((await inTime(signIn(alice.password), hash)).status).toBe(200)
    const guesses = []
    for (let i = 0; i < 12; i++) guesses.push((await signIn('wrong horse')).status)
    expect(guesses).toEqual([...Array(10).fill(401), 429, 429])
    expect(await health()).toMatchObject({
      status: 'unhealthy',
      services: { redis: { status: 'unhealthy' } },
    })
    expect((await app.call('GET', '/infra/ready')).status).toBe(200)

    await bringBack()
    expect(await untilHealthy()).toBeLessThan(5000)
    const carol = await app.newUser()
    expect(carol.access_token).toBeString()
  }, 60_000)
})
