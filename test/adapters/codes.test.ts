import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RedisClient } from 'bun'
import type { CodeRules, Codes } from '../../src/adapters/codes/codes.ts'
import { RedisCodes } from '../../src/adapters/codes/redis.ts'
import { SqliteCodes } from '../../src/adapters/codes/sqlite.ts'
import { openRedis, type Redis } from '../../src/adapters/redis.ts'
import { Database } from '../../src/database/database.ts'
import { codeRules } from '../../src/limits.ts'
import { Secrets } from '../../src/secrets.ts'
import { type RedisServer, startRedis, untilReady } from '../harness/redis.ts'

/** Redis counts by its own clock, so the expiry that is waited for is short. */
const shortLived: CodeRules = { ...codeRules, seconds: 3 }
const secrets = new Secrets('a secret for the tests of the codes')
const dir = mkdtempSync(join(tmpdir(), 'parley-codes-'))
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

let email = ''
let mine = ''
let theirs = ''
beforeEach(async () => {
  // After a stall its connection is made anew.
  await untilReady(redis)
  email = `${crypto.randomUUID()}@example.com`
  mine = crypto.randomUUID()
  theirs = crypto.randomUUID()
})

const implementations: [
  name: string,
  open: (rules?: CodeRules) => Codes,
  pass: (ms: number) => Promise<void>,
][] = [
  [
    'SQLite',
    rules => new SqliteCodes(database, secrets, now, rules),
    async ms => {
      clock += ms
    },
  ],
  ['Redis', rules => new RedisCodes(redis, secrets, rules), Bun.sleep],
]

describe.each(implementations)('codes: %s', (_, open, pass) => {
  let codes: Codes
  beforeAll(() => {
    codes = open()
  })

  const guessWrong = async (times: number) => {
    for (let i = 0; i < times; i++) expect(await codes.redeem(email, `99999${i}`)).toBeNull()
  }

  test('a code leads to the attempt that it was mailed for, once', async () => {
    expect(await codes.issue(email, mine, '111111')).toBe(true)
    expect(await codes.redeem(email, '111111')).toBe(mine)
    expect(await codes.redeem(email, '111111')).toBeNull()
  })

  test('one of fifty who bring it at once gets it', async () => {
    await codes.issue(email, mine, '111111')
    const all = await Promise.all(Array.from({ length: 50 }, () => codes.redeem(email, '111111')))
    expect(all.filter(attempt => attempt !== null)).toEqual([mine])
  })

  test('a code is good for its own address alone', async () => {
    await codes.issue(email, mine, '111111')
    expect(await codes.redeem(`another-${email}`, '111111')).toBeNull()
    expect(await codes.redeem(email, '111111')).toBe(mine)
  })

  test('an address without a code has nothing to redeem', async () => {
    expect(await codes.redeem(email, '111111')).toBeNull()
  })

  test('two attempts of one address each have their own, and the one used leaves the other alive', async () => {
    await codes.issue(email, mine, '111111')
    await codes.issue(email, theirs, '222222')
    expect(await codes.redeem(email, '222222')).toBe(theirs)
    expect(await codes.redeem(email, '111111')).toBe(mine)
  })

  test('two attempts of one address cannot have the same code', async () => {
    expect(await codes.issue(email, mine, '111111')).toBe(true)
    expect(await codes.issue(email, theirs, '111111')).toBe(false)
    expect(await codes.redeem(email, '111111')).toBe(mine)
    expect(await codes.issue(email, theirs, '111111')).toBe(true)
  })

  test('not even when both are given it at once', async () => {
    const issued = await Promise.all([mine, theirs].map(attempt => codes.issue(email, attempt, '111111')))
    expect(issued.sort()).toEqual([false, true])
  })

  test('a refused code leaves the attempt the one it had', async () => {
    await codes.issue(email, mine, '111111')
    await codes.issue(email, theirs, '222222')
    expect(await codes.issue(email, theirs, '111111')).toBe(false)
    expect(await codes.redeem(email, '222222')).toBe(theirs)
  })

  test('two addresses can have the same code', async () => {
    expect(await codes.issue(email, mine, '111111')).toBe(true)
    expect(await codes.issue(`another-${email}`, theirs, '111111')).toBe(true)
    expect(await codes.redeem(email, '111111')).toBe(mine)
  })

  test('a new code takes the place of the one before', async () => {
    await codes.issue(email, mine, '111111')
    expect(await codes.issue(email, mine, '222222')).toBe(true)
    expect(await codes.redeem(email, '111111')).toBeNull()
    expect(await codes.redeem(email, '222222')).toBe(mine)
  })

  test('an attempt can be given the same code again', async () => {
    await codes.issue(email, mine, '111111')
    expect(await codes.issue(email, mine, '111111')).toBe(true)
    expect(await codes.redeem(email, '111111')).toBe(mine)
  })

  test('a code survives four wrong guesses', async () => {
    await codes.issue(email, mine, '111111')
    await guessWrong(4)
    expect(await codes.redeem(email, '111111')).toBe(mine)
  })

  test('and dies at the fifth', async () => {
    await codes.issue(email, mine, '111111')
    await guessWrong(5)
    expect(await codes.redeem(email, '111111')).toBeNull()
  })

  test('wrong guesses made at once all count', async () => {
    await codes.issue(email, mine, '111111')
    await Promise.all(Array.from({ length: 5 }, () => codes.redeem(email, '999999')))
    expect(await codes.redeem(email, '111111')).toBeNull()
  })

  test('a wrong guess costs every code of the address, and none of another', async () => {
    await codes.issue(email, mine, '111111')
    await codes.issue(email, theirs, '222222')
    await codes.issue(`another-${email}`, mine, '333333')
    await guessWrong(5)
    expect(await codes.redeem(email, '111111')).toBeNull()
    expect(await codes.redeem(email, '222222')).toBeNull()
    expect(await codes.redeem(`another-${email}`, '333333')).toBe(mine)
  })

  test('a right guess costs the other codes nothing', async () => {
    await codes.issue(email, mine, '111111')
    await guessWrong(4)
    await codes.issue(email, theirs, '222222')
    expect(await codes.redeem(email, '222222')).toBe(theirs)
    expect(await codes.redeem(email, '111111')).toBe(mine)
  })

  test('a new code has all its guesses again', async () => {
    await codes.issue(email, mine, '111111')
    await guessWrong(4)
    await codes.issue(email, mine, '222222')
    await guessWrong(4)
    expect(await codes.redeem(email, '222222')).toBe(mine)
  })

  test('a code expires; a new one lives its own time, and the expired one is free for others', async () => {
    const codes = open(shortLived)
    await codes.issue(email, mine, '111111')
    await codes.issue(email, theirs, '222222')
    await pass(1750)
    await codes.issue(email, mine, '333333')
    await pass(1750)
    expect(await codes.redeem(email, '222222')).toBeNull()
    expect(await codes.issue(email, crypto.randomUUID(), '222222')).toBe(true)
    expect(await codes.redeem(email, '333333')).toBe(mine)
  })
})

describe('the embedded codes', () => {
  test('survive a restart, guesses spent included', async () => {
    const path = join(dir, 'restart.db')
    const before = new Database(path)
    const codes = new SqliteCodes(before, secrets, now)
    await codes.issue(email, mine, '111111')
    await codes.issue(`another-${email}`, theirs, '222222')
    for (let i = 0; i < 4; i++) await codes.redeem(email, '999999')
    before.close()

    const after = new Database(path)
    const again = new SqliteCodes(after, secrets, now)
    expect(await again.redeem(`another-${email}`, '222222')).toBe(theirs)
    expect(await again.redeem(email, '999999')).toBeNull()
    expect(await again.redeem(email, '111111')).toBeNull()
    after.close()
  })

  test('are good for nothing under another secret', async () => {
    await new SqliteCodes(database, secrets, now).issue(email, mine, '111111')
    const stranger = new SqliteCodes(database, new Secrets('another secret'), now)
    expect(await stranger.redeem(email, '111111')).toBeNull()
  })

  test('are on disk as a keyed hash alone, until their time is up', async () => {
    const alone = mkdtempSync(join(dir, 'alone-'))
    const own = new Database(join(alone, 'parley.db'))
    await new SqliteCodes(own, secrets, now).issue(email, mine, '731946')
    const row = own
      .prepare<{ code_hash: Uint8Array; expires_at: number }>('SELECT code_hash, expires_at FROM codes')
      .get()
    expect(row?.code_hash).toHaveLength(32)
    expect(row?.expires_at).toBe(clock + 600_000)
    const bytes = Buffer.concat(readdirSync(alone).map(file => readFileSync(join(alone, file))))
    expect(bytes.includes(mine)).toBe(true)
    expect(bytes.includes('731946')).toBe(false)
    own.close()
  })

  test('cost a commit for each wrong guess, even at an address that has none: time tells nothing', async () => {
    const codes = new SqliteCodes(database, secrets, now)
    const written = () => statSync(join(dir, 'parley.db-wal')).size
    await codes.issue(email, mine, '111111')
    for (const guessed of [email, 'nobody@example.com']) {
      const before = written()
      await codes.redeem(guessed, '222222')
      expect(written()).toBeGreaterThan(before)
    }
    expect(database.prepare("SELECT * FROM codes WHERE attempt_id = 'none'").all()).toEqual([])
  })
})

describe('the codes in Redis', () => {
  test('name neither address nor code, begin with parley: and expire', async () => {
    await raw.send('FLUSHALL', [])
    const codes = new RedisCodes(redis, secrets)
    await codes.issue(email, mine, '731946')
    await codes.redeem(email, '999999')
    const keys = await raw.keys('*')
    expect(keys).toEqual([expect.stringMatching(/^parley:codes:[\w-]{43}$/)])
    expect(await raw.pttl(keys[0]!)).toBeWithin(595_000, 600_001)
    const kept = JSON.stringify(await raw.send('HGETALL', [keys[0]!]))
    expect(kept).toContain(mine)
    // A random id or a time may have these digits.
    expect(kept.replaceAll(mine, '').replace(/expiresAt\D+\d+/, '')).not.toContain('731946')
    expect(kept).not.toContain('example.com')
  })

  test('leave nothing behind once all are used', async () => {
    await raw.send('FLUSHALL', [])
    const codes = new RedisCodes(redis, secrets)
    await codes.issue(email, mine, '111111')
    await codes.redeem(email, '111111')
    expect(await raw.keys('parley:codes:*')).toEqual([])
  })
})
