import { Database as Sqlite } from 'bun:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cleanerOf } from '../src/database/cleanup.ts'
import { Database, lockDataDir } from '../src/database/database.ts'
import { DatabaseError } from '../src/database/opening.ts'
import { type AppError, StartError } from '../src/errors.ts'
import { Secrets } from '../src/secrets.ts'

let dir: string
let database: Database
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'parley-database-'))
  database = new Database(join(dir, 'parley.db'))
})
afterEach(() => {
  database.close()
  rmSync(dir, { recursive: true })
})

const insert = (name: string, hits = '[]', expiresAt = 0) =>
  database.prepare('INSERT INTO limits VALUES (?, ?, ?, ?)').run(name, 'key', hits, expiresAt)
const names = () =>
  database
    .prepare<{ name: string }, []>('SELECT name FROM limits ORDER BY name')
    .all()
    .map(({ name }) => name)

describe('write', () => {
  test('commits the steps of one turn together, each with its own result', async () => {
    const steps = ['a', 'b', 'c'].map(name => database.write(() => insert(name).changes))
    expect(await Promise.all(steps)).toEqual([1, 1, 1])
    expect(names()).toEqual(['a', 'b', 'c'])
  })

  test('undoes a step that throws, whole and alone', async () => {
    const failing = database.write(() => {
      insert('half')
      throw new Error('no')
    })
    const [first, second, third] = await Promise.allSettled([
      database.write(() => insert('before')),
      failing,
      database.write(() => insert('after')),
    ])
    expect([first?.status, second?.status, third?.status]).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(names()).toEqual(['after', 'before'])
  })

  test('shows nothing of a step before it is acknowledged', async () => {
    const step = database.write(() => insert('later'))
    expect(names()).toEqual([])
    await step
    expect(names()).toEqual(['later'])
  })

  test('on a full disk acknowledges none, keeps all that was there, and works again afterwards', async () => {
    await database.write(() => insert('kept'))
    const { page_count: pages } = database.prepare<{ page_count: number }, []>('PRAGMA page_count').get()!
    database.prepare(`PRAGMA max_page_count = ${pages}`).get()
    const outcomes = await Promise.allSettled([
      database.write(() => insert('small')),
      database.write(() => insert('large', 'x'.repeat(1_000_000))),
    ])
    for (const outcome of outcomes) {
      expect(outcome.status).toBe('rejected')
      expect(((outcome as PromiseRejectedResult).reason as AppError).code).toBe('storage_unavailable')
    }
    expect(names()).toEqual(['kept'])
    database.prepare('PRAGMA max_page_count = 1000000').get()
    await database.write(() => insert('again'))
    expect(names()).toEqual(['again', 'kept'])
  })
})

describe('ping', () => {
  test('fails after a failed commit, until one succeeds', async () => {
    const limit = (pages: number) => database.prepare(`PRAGMA max_page_count = ${pages}`).get()
    await database.ping()
    const { page_count: pages } = database.prepare<{ page_count: number }, []>('PRAGMA page_count').get()!
    limit(pages)
    await database.write(() => insert('large', 'x'.repeat(1_000_000))).catch(() => {})
    limit(1_000_000)
    expect(await database.ping()).toBeNumber()
  })

  test('fails where the file was deleted', () => {
    rmSync(join(dir, 'parley.db'))
    expect(database.ping()).rejects.toThrow('deleted')
  })
})

test('a foreign writer is waited for, and holds nothing else up meanwhile', async () => {
  const foreign = new Sqlite(join(dir, 'parley.db'))
  foreign.run('BEGIN IMMEDIATE')
  const pauses: number[] = []
  let last = performance.now()
  const ticks = setInterval(() => {
    pauses.push(performance.now() - last)
    last = performance.now()
  }, 1)
  const step = database.write(() => insert('patient'))
  await Bun.sleep(1500)
  foreign.run('COMMIT')
  foreign.close()
  await step
  clearInterval(ticks)
  expect(names()).toEqual(['patient'])
  const [longest, next] = pauses.sort((a, b) => b - a)
  // A machine may stall once.
  expect(longest).toBeLessThan(1000)
  expect(next).toBeLessThan(400)
})

test('what comes after the end is refused', async () => {
  const other = new Database(join(dir, 'other.db'))
  const before = other.write(() => 'kept')
  other.close()
  expect(await before).toBe('kept')
  expect(other.write(() => 'late')).rejects.toThrow('stopping')
})

describe('the secret', () => {
  const secret = () => Secrets.of(undefined, dir).jwtSecret
  test('is made once and kept', () => {
    const first = secret()
    expect(first.length).toBeGreaterThan(32)
    expect(secret()).toBe(first)
  })

  test.each(['', 'abc'])('of %p is refused, and left as it is', kept => {
    writeFileSync(join(dir, 'secret'), kept)
    expect(secret).toThrow(StartError)
    expect(readFileSync(join(dir, 'secret'), 'utf8')).toBe(kept)
  })
})

describe('opening', () => {
  test('keeps the settings that durability rests on', () => {
    const pragma = (name: string) => Object.values(database.prepare<object, []>(`PRAGMA ${name}`).get()!)[0]
    expect([pragma('journal_mode'), pragma('synchronous'), pragma('foreign_keys')]).toEqual(['wal', 2, 1])
  })

  test('waits for another process that has the file to itself', async () => {
    const path = join(dir, 'held.db')
    const holder = Bun.spawn([process.execPath, '-e', holdFor(500), path], { stdout: 'pipe' })
    await holder.stdout.getReader().read()
    new Database(path).close()
    expect(await holder.exited).toBe(0)
  })

  test('refuses a database of a newer version', () => {
    const path = join(dir, 'newer.db')
    const newer = new Database(path)
    newer.prepare('PRAGMA user_version = 999').run()
    newer.close()
    expect(() => new Database(path)).toThrow(/newer Parley \(version 999/)
  })

  test('refuses a file that is no database, and leaves it as it is', async () => {
    const path = join(dir, 'text.db')
    writeFileSync(path, 'this is not a database at all, but a text of some length'.repeat(100))
    expect(() => new Database(path)).toThrow(DatabaseError)
    expect(await Bun.file(path).text()).toStartWith('this is not')
  })

  const files: Array<[what: string, bytes: number, closed: boolean]> = [
    ['a small file', 0, true],
    ['a large file that was not closed', 20 * 1024 * 1024, false],
  ]
  test.each(files)('refuses %s with a damaged page, and says how to restore', async (_, bytes, closed) => {
    await database.write(() => insert('large', 'x'.repeat(bytes)))
    database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
    if (!closed) await database.write(() => insert('later'))
    const copy = join(dir, 'copy.db')
    for (const suffix of ['', '-wal']) copyFileSync(`${database.path}${suffix}`, `${copy}${suffix}`)
    damage(copy, 'sessions')
    expect(() => new Database(copy)).toThrow(/is damaged: .* To restore a backup, move parley\.db/)
  })

  test('of a folder in use is refused until it is released', () => {
    const lock = lockDataDir(dir)
    expect(() => lockDataDir(dir)).toThrow(/Another Parley/)
    lock.release()
    lockDataDir(dir).release()
  })
})

/** A script that locks the file of its first argument, says so, and lets it go. */
const holdFor = (ms: number) => `
  const { Database } = require('bun:sqlite')
  const held = new Database(process.argv.at(-1))
  held.run('BEGIN EXCLUSIVE')
  console.log('held')
  setTimeout(() => held.run('COMMIT'), ${ms})
`

/** Overwrites the first page of a table. */
function damage(path: string, table: string): void {
  const { rootpage } = database
    .prepare<{ rootpage: number }, [string]>('SELECT rootpage FROM sqlite_schema WHERE name = ?')
    .get(table)!
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.alloc(4096, 0xa5), 0, 4096, (rootpage - 1) * 4096)
  closeSync(file)
}

test('cleaning up deletes what has expired, however much, and nothing else', async () => {
  await database.write(() => {
    for (let i = 0; i < 1000; i++) insert(`expired ${i}`, '[]', 5)
    insert('live', '[]', 6)
  })
  await cleanerOf(database)(5)
  expect(names()).toEqual(['live'])
})
