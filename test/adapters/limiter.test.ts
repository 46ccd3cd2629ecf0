import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RedisClient } from 'bun'
import fc from 'fast-check'
import { InProcessLimiter } from '../../src/adapters/limiter/in-process.ts'
import type { Limiter, LimitTable } from '../../src/adapters/limiter/limiter.ts'
import { RedisLimiter } from '../../src/adapters/limiter/redis.ts'
import { slide } from '../../src/adapters/limiter/sliding-log.ts'
import { SqliteLimiter } from '../../src/adapters/limiter/sqlite.ts'
import { openRedis, type Redis } from '../../src/adapters/redis.ts'
import { Database } from '../../src/database/database.ts'
import { limits } from '../../src/limits.ts'
import { Secrets } from '../../src/secrets.ts'
import { type RedisServer, startRedis, untilReady } from '../harness/redis.ts'

/** Redis counts by its own clock, so the window that is waited for is short; not so short that a stall outlasts it. */
const seconds = 3
const table: LimitTable = {
  ...limits,
  sign_in: { ...limits.sign_in, times: 3, seconds },
  sign_up: { ...limits.sign_up, times: 20, seconds: 60 },
}
const secrets = new Secrets('a secret for the tests of the limits')
const dir = mkdtempSync(join(tmpdir(), 'parley-limiter-'))
let clock = Date.now()
const now = () => clock
let database: Database
let server: RedisServer
let redis: Redis
let raw: RedisClient

beforeAll(async () => {
  database = new Database(join(dir, 'parley.db'))
  server = await startRedis()
  redis = openRedis(server.url)
  raw = new RedisClient(server.url)
  await untilReady(redis)
})

afterAll(async () => {
  database.close()
  raw.close()
  await redis.close()
  await server.stop()
  rmSync(dir, { recursive: true })
})

let key = ''
beforeEach(async () => {
  // After a stall its connection is made anew.
  await untilReady(redis)
  key = `${crypto.randomUUID()}@example.com`
})

const pass = async (ms: number) => {
  clock += ms
}
const implementations: [name: string, open: () => Limiter, pass: (ms: number) => Promise<void>][] = [
  ['SQLite', () => new SqliteLimiter(database, secrets, table, now), pass],
  ['in process', () => new InProcessLimiter(table, now), pass],
  ['Redis', () => new RedisLimiter(redis, secrets, table), Bun.sleep],
]

describe.each(implementations)('limits: %s', (_, open, pass) => {
  let limiter: Limiter
  beforeAll(() => {
    limiter = open()
  })

  /** How many of so many at once are let through. */
  const letThrough = async (count: number, limit: 'sign_in' | 'sign_up' = 'sign_in') => {
    const all = await Promise.all(Array.from({ length: count }, () => limiter.take(limit, key)))
    return all.filter(taken => taken.ok).length
  }

  test('lets the first through and refuses the next, saying for how many whole seconds', async () => {
    for (let i = 0; i < 20; i++) expect(await limiter.take('sign_up', key)).toEqual({ ok: true })
    const refused = await limiter.take('sign_up', key)
    if (refused.ok) throw new Error('let one too many through')
    expect(refused.retryAfter).toBeInteger()
    expect(refused.retryAfter).toBeWithin(55, 61)
  })

  test('lets exactly the limit through of a hundred at once', async () => {
    expect(await letThrough(100, 'sign_up')).toBe(20)
  })

  test('counts each key by itself', async () => {
    expect(await letThrough(4)).toBe(3)
    key = `another-${key}`
    expect(await letThrough(4)).toBe(3)
  })

  test('counts each limit by itself', async () => {
    expect(await letThrough(4)).toBe(3)
    expect(await letThrough(4, 'sign_up')).toBe(4)
  })

  test('slides: each count leaves when its own time is up, and a refusal counts for nothing', async () => {
    expect(await letThrough(1)).toBe(1)
    await pass(1750)
    expect(await letThrough(5)).toBe(2)
    await pass(1750)
    expect(await letThrough(5)).toBe(1)
  })

  test('gives the newest count back', async () => {
    expect(await letThrough(2)).toBe(2)
    await pass(1750)
    expect(await letThrough(1)).toBe(1)
    await limiter.giveBack('sign_in', key)
    await pass(1750)
    // Had the oldest been given back, one of the newer would still count.
    expect(await letThrough(5)).toBe(3)
  })

  test('gives back no more than was counted', async () => {
    await limiter.giveBack('sign_in', key)
    expect(await letThrough(1)).toBe(1)
    await limiter.giveBack('sign_in', key)
    await limiter.giveBack('sign_in', key)
    expect(await letThrough(5)).toBe(3)
  })

  test('gives back while others count', async () => {
    await letThrough(20, 'sign_up')
    await Promise.all(Array.from({ length: 7 }, () => limiter.giveBack('sign_up', key)))
    expect(await letThrough(20, 'sign_up')).toBe(7)
  })
})

describe('the sliding log', () => {
  const limit = { times: 2, seconds: 10 }

  test.each([
    ['the first is counted', [], 50_000, { hits: [50_000], wait: 0 }],
    ['the last place is taken', [45_000], 50_000, { hits: [45_000, 50_000], wait: 0 }],
    ['a full log waits for its oldest', [41_000, 45_000], 50_000, { hits: [41_000, 45_000], wait: 1000 }],
    ['a hit leaves when its window is over', [40_000, 45_000], 50_000, { hits: [45_000, 50_000], wait: 0 }],
    ['and not before', [40_001, 45_000], 50_000, { hits: [40_001, 45_000], wait: 1 }],
    [
      'a lowered limit waits for more',
      [41_000, 45_000, 48_000],
      50_000,
      { hits: [41_000, 45_000, 48_000], wait: 5000 },
    ],
    [
      'a clock set back makes later hits now',
      [80_000, 90_000],
      50_000,
      { hits: [50_000, 50_000], wait: 10_000 },
    ],
  ])('%s', (_, hits, now, outcome) => {
    expect(slide(hits, limit, now)).toEqual(outcome)
  })

  test('never lets more through in a window than the limit, nor makes anybody wait longer than it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 6000 })),
        fc.integer({ min: 1, max: 5 }),
        (steps, times) => {
          let now = 1_000_000
          let hits: number[] = []
          const letIn: number[] = []
          for (const step of steps) {
            now += step
            const slid = slide(hits, { times, seconds: 10 }, now)
            hits = slid.hits
            if (slid.wait === 0) letIn.push(now)
            expect(slid.wait).toBeWithin(0, 10_001)
            expect(letIn.filter(at => at > now - 10_000).length).toBeLessThanOrEqual(times)
          }
        },
      ),
    )
  })
})

describe('the embedded limits', () => {
  test('survive a restart', async () => {
    const path = join(dir, 'restart.db')
    const before = new Database(path)
    const limiter = new SqliteLimiter(before, secrets, table, now)
    for (let i = 0; i < 3; i++) await limiter.take('sign_in', key)
    before.close()

    const after = new Database(path)
    expect(await new SqliteLimiter(after, secrets, table, now).take('sign_in', key)).toEqual({
      ok: false,
      retryAfter: seconds,
    })
    after.close()
  })

  test('lock nobody longer than the window when the clock is set back by a day', async () => {
    const limiter = new SqliteLimiter(database, secrets, table, now)
    for (let i = 0; i < 3; i++) await limiter.take('sign_in', key)
    clock -= 86_400_000
    expect(await limiter.take('sign_in', key)).toEqual({ ok: false, retryAfter: seconds })
    clock += seconds * 1000
    expect(await limiter.take('sign_in', key)).toEqual({ ok: true })
    clock += 86_400_000
  })

  test('name no address, and say when a row can be deleted', async () => {
    await new SqliteLimiter(database, secrets, table, now).take('sign_in', key)
    const row = database
      .prepare<{ key: string; expires_at: number }>(
        'SELECT key, expires_at FROM limits ORDER BY expires_at DESC LIMIT 1',
      )
      .get()
    expect(row?.expires_at).toBeGreaterThanOrEqual(clock + seconds * 1000)
    const named = database
      .prepare<{ n: number }, [string]>('SELECT count(*) AS n FROM limits WHERE key LIKE ?')
      .get('%example.com%')
    expect(named).toEqual({ n: 0 })
  })

  test('write nothing for a refusal', async () => {
    const limiter = new SqliteLimiter(database, secrets, table, now)
    for (let i = 0; i < 3; i++) await limiter.take('sign_in', key)
    const changes = database.prepare<{ n: number }>('SELECT total_changes() AS n')
    const before = changes.get()
    for (let i = 0; i < 10; i++) expect((await limiter.take('sign_in', key)).ok).toBe(false)
    expect(changes.get()).toEqual(before)
  })
})

describe('the limits in process', () => {
  test('hold no more keys than they may; the one idle longest makes room', async () => {
    const limiter = new InProcessLimiter(table, now, 3)
    for (const key of ['a', 'b', 'a', 'c', 'd']) await limiter.take('sign_in', key)
    expect(limiter.size).toBe(3)
    // "b" was forgotten; "a", counted again since, was not.
    for (let i = 0; i < 2; i++) await limiter.take('sign_in', 'a')
    expect((await limiter.take('sign_in', 'a')).ok).toBe(false)
  })

  test('forget what has expired when the next is counted', async () => {
    const limiter = new InProcessLimiter(table, now)
    for (let i = 0; i < 500; i++) await limiter.take('sign_in', `${i}`)
    expect(limiter.size).toBe(500)
    clock += seconds * 1000
    await limiter.take('sign_in', key)
    expect(limiter.size).toBe(1)
  })
})

describe('the limits in Redis', () => {
  const keysNow = async () => (await raw.keys('*')).sort()

  test('name no address, begin with parley: and expire with their window', async () => {
    await raw.send('FLUSHALL', [])
    const limiter = new RedisLimiter(redis, secrets, table)
    await limiter.take('sign_in', key)
    await limiter.take('sign_up', key)
    await limiter.take('sign_up', key)
    await limiter.giveBack('sign_up', key)
    const keys = await keysNow()
    expect(keys).toEqual([
      expect.stringMatching(/^parley:limit:sign_in:[\w-]{43}$/),
      expect.stringMatching(/^parley:limit:sign_up:[\w-]{43}$/),
    ])
    expect(await raw.pttl(keys[0]!)).toBeWithin(1, seconds * 1000 + 1)
    expect(await raw.pttl(keys[1]!)).toBeWithin(55_000, 60_001)
  })

  test('lock nobody longer than the window when the clock is set back by a day', async () => {
    await raw.send('FLUSHALL', [])
    const limiter = new RedisLimiter(redis, secrets, table)
    await limiter.take('sign_in', key)
    const [stored] = await keysNow()
    const tomorrow = Date.now() + 86_400_000
    await raw.set(stored!, JSON.stringify([tomorrow, tomorrow, tomorrow]))
    expect(await limiter.take('sign_in', key)).toEqual({ ok: false, retryAfter: seconds })
    await Bun.sleep(seconds * 1000 + 100)
    expect(await limiter.take('sign_in', key)).toEqual({ ok: true })
  })

  test('hold a limit that was lowered since: as many must leave as are too many', async () => {
    await raw.send('FLUSHALL', [])
    const limiter = new RedisLimiter(redis, secrets, { ...table, sign_up: { ...table.sign_up, times: 2 } })
    await limiter.take('sign_up', key)
    const [stored] = await keysNow()
    await raw.set(stored!, JSON.stringify([50, 30, 10].map(seconds => Date.now() - seconds * 1000)))
    expect(await limiter.take('sign_up', key)).toEqual({ ok: false, retryAfter: 30 })
  })
})
