import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { RedisClient } from 'bun'
import type { Codes } from '../../src/adapters/codes/codes.ts'
import { openCodes } from '../../src/adapters/codes/index.ts'
import { openLimiter } from '../../src/adapters/limiter/index.ts'
import type { Limiter } from '../../src/adapters/limiter/limiter.ts'
import { openRedis, type Redis } from '../../src/adapters/redis.ts'
import { Database } from '../../src/database/database.ts'
import { AppError } from '../../src/errors.ts'
import { limits } from '../../src/limits.ts'
import { Secrets } from '../../src/secrets.ts'
import { captureLog } from '../harness/log.ts'
import { type RedisServer, startRedis, untilReady } from '../harness/redis.ts'
import { stopwatch } from '../harness/stopwatch.ts'

const secrets = new Secrets('a secret for the tests of the faults')
const database = new Database(':memory:')
let server: RedisServer
let redis: Redis
let limiter: Limiter
let codes: Codes
let log: ReturnType<typeof captureLog>

beforeAll(async () => {
  server = await startRedis()
})

afterAll(async () => {
  await server.stop()
  database.close()
})

beforeEach(async () => {
  await server.restart()
  open(server.url)
  await untilReady(redis)
  log = captureLog()
})

afterEach(async () => {
  await redis.close()
  log.stop()
})

function open(url: string): void {
  redis = openRedis(url)
  limiter = openLimiter({ database, redis, secrets })
  codes = openCodes({ database, redis, secrets })
}

/** What came of it, and whether it came within the two seconds that a person is made to wait at most. */
async function outcome(work: Promise<unknown>): Promise<unknown> {
  const took = stopwatch()
  const came = await work.catch(error => error)
  expect(took()).toBeLessThan(2000)
  return came instanceof AppError ? [came.code, came.options.retryAfter] : came
}

const unavailable = ['codes_unavailable', 5]
const wentAway = expect.stringMatching(/^Redis cannot be used/)
const cameBack = 'Redis is back'

/** Everything that is asked of Redis, several times at once. */
async function expectAway(): Promise<void> {
  const asked = [1, 2, 3].flatMap(i => [
    outcome(limiter.take('sign_up', 'client')).then(came => expect(came).toEqual(unavailable)),
    outcome(limiter.take('sign_in', `client ${i}`)).then(came => expect(came).toEqual({ ok: true })),
    outcome(limiter.giveBack('sign_in', `client ${i}`)).then(came => expect(came).toBeUndefined()),
    outcome(limiter.giveBack('sign_up', 'client')).then(came => expect(came).toBeUndefined()),
    outcome(codes.issue('a@b.c', `attempt ${i}`, '111111')).then(came => expect(came).toEqual(unavailable)),
    outcome(codes.redeem('a@b.c', '999999')).then(came => expect(came).toEqual(unavailable)),
    outcome(redis.ping()).then(came => expect(came).toBeInstanceOf(Error)),
  ])
  await Promise.all(asked)
}

/** Redis does its work again, within the five seconds that recovery may take. */
async function expectBack(): Promise<void> {
  expect(await untilReady(redis)).toBeLessThan(5000)
  expect(await limiter.take('sign_up', crypto.randomUUID())).toEqual({ ok: true })
  expect(await codes.issue('back@b.c', 'attempt', '111111')).toBe(true)
  expect(await codes.redeem('back@b.c', '111111')).toBe('attempt')
  expect(await redis.ping()).toBeGreaterThan(0)
}

describe('Redis', () => {
  test('killed: codes are refused, sign-in goes on; both come back with it', async () => {
    await server.kill()
    await expectAway()
    await Bun.sleep(500)
    await expectAway()
    expect(log.lines).toEqual([wentAway])

    await server.restart()
    await expectBack()
    expect(log.lines).toEqual([wentAway, cameBack])
  })

  test('frozen: the first are refused within two seconds, the next at once', async () => {
    server.pause()
    await expectAway()
    const took = stopwatch()
    await expectAway()
    expect(took()).toBeLessThan(200)
    expect(log.lines).toEqual([wentAway])

    server.resume()
    await expectBack()
    expect(log.lines).toEqual([wentAway, cameBack])
  })

  test('frozen under load: nobody waits longer, though each request touches the connection', async () => {
    server.pause()
    const asked: Promise<unknown>[] = []
    for (let i = 0; i < 50; i++) {
      asked.push(outcome(limiter.take('sign_up', `client ${i}`)))
      await Bun.sleep(50)
    }
    for (const came of await Promise.all(asked)) expect(came).toEqual(unavailable)
    server.resume()
    await expectBack()
  })

  test('frozen for longer than its connection is kept', async () => {
    server.pause()
    await Bun.sleep(2500)
    await expectAway()
    expect(log.lines).toEqual([wentAway])

    server.resume()
    await expectBack()
    expect(log.lines).toEqual([wentAway, cameBack])
  })

  test('restarted between two requests: the next finds it, and the scripts it has forgotten', async () => {
    await server.restart()
    await expectBack()
  })

  test('flushed: counts begin anew, codes are void, nothing fails', async () => {
    await codes.issue('a@b.c', 'attempt', '111111')
    for (let i = 0; i < limits.sign_up.times; i++) await limiter.take('sign_up', 'client')
    const raw = new RedisClient(server.url)
    await raw.send('FLUSHALL', [])
    await raw.send('SCRIPT', ['FLUSH'])
    raw.close()

    expect(await limiter.take('sign_up', 'client')).toEqual({ ok: true })
    expect(await codes.redeem('a@b.c', '111111')).toBeNull()
    await expectBack()
    expect(log.lines).toEqual([])
  })

  test('full: refuses, and is not called healthy, until there is room', async () => {
    const raw = new RedisClient(server.url)
    await raw.send('CONFIG', ['SET', 'maxmemory', '1'])
    await redis.ping().catch(() => {})
    await expectAway()
    await Bun.sleep(700)
    await expectAway()
    expect(log.lines).toEqual([wentAway])

    await raw.send('CONFIG', ['SET', 'maxmemory', '0'])
    raw.close()
    await expectBack()
    expect(log.lines).toEqual([wentAway, cameBack])
  })

  test('not there yet when the server starts', async () => {
    await redis.close()
    await server.kill()
    open(server.url)
    await expectAway()
    await Bun.sleep(200)
    expect(log.lines).toEqual([wentAway])

    await server.restart()
    await expectBack()
    expect(log.lines).toEqual([wentAway, cameBack])
  })

  test('that wants another password: is away, and says so once', async () => {
    await redis.close()
    const raw = new RedisClient(server.url)
    await raw.send('CONFIG', ['SET', 'requirepass', 'right'])
    raw.close()
    open(server.url.replace('//', '//:wrong@'))
    await Bun.sleep(500)
    await expectAway()
    expect(log.lines).toEqual([wentAway])
  })

  test('closed: no log line, and nothing hangs', async () => {
    await redis.close()
    await expectAway()
    expect(log.lines).toEqual([])
  })
})

describe('sign-in without Redis', () => {
  test('has the same limit, counted in this process, and its counts can be given back', async () => {
    await server.kill()
    const { times } = limits.sign_in_account
    for (let i = 0; i < times; i++) await limiter.take('sign_in_account', 'a@b.c')
    expect(await limiter.take('sign_in_account', 'a@b.c')).toMatchObject({ ok: false })
    await limiter.giveBack('sign_in_account', 'a@b.c')
    expect(await limiter.take('sign_in_account', 'a@b.c')).toEqual({ ok: true })
  })

  test('leaves what Redis had counted as it was', async () => {
    const { times } = limits.sign_in_account
    for (let i = 0; i < times; i++) await limiter.take('sign_in_account', 'a@b.c')
    server.pause()
    expect(await limiter.take('sign_in_account', 'a@b.c')).toEqual({ ok: true })
    server.resume()
    await untilReady(redis)
    expect(await limiter.take('sign_in_account', 'a@b.c')).toMatchObject({ ok: false })
  })

  test('gives back what Redis counted, too', async () => {
    const { times } = limits.sign_in_account
    for (let i = 0; i < times; i++) await limiter.take('sign_in_account', 'a@b.c')
    await limiter.giveBack('sign_in_account', 'a@b.c')
    expect(await limiter.take('sign_in_account', 'a@b.c')).toEqual({ ok: true })
    expect(await limiter.take('sign_in_account', 'a@b.c')).toMatchObject({ ok: false })
  })
})
