/** The SQLite file: opened once, read synchronously, written in shared commits. */
import { type SQLQueryBindings, Database as Sqlite } from 'bun:sqlite'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '../errors.ts'
import { log, reason } from '../log.ts'
import { migrations } from './migrations/index.ts'
import { check, checkWritable, DatabaseError, deservesCheck, isA, openingFailure } from './opening.ts'

type Step = {
  run: () => unknown
  resolve: (value: never) => void
  reject: (error: unknown) => void
  since: number
}

/** SQLite waits for a foreign writer with the whole process; beyond this we wait beside it, up to the patience. */
const busyMs = 20
const patienceMs = 5000

export class Database {
  readonly #sqlite: Sqlite
  readonly #read
  readonly #touch
  readonly #inode: number
  #waiting: Step[] = []
  #failing = false
  #closed = false

  /** Opens or creates the file and brings it up to date. Throws DatabaseError. */
  constructor(readonly path: string) {
    const toBeChecked = deservesCheck(path)
    try {
      this.#sqlite = new Sqlite(path, { create: true, strict: true })
      for (const pragma of [
        // First: what follows may meet another process at the file, and nothing runs yet that waiting holds up.
        `busy_timeout = ${patienceMs}`,
        'journal_mode = WAL',
        // Acknowledged means on disk: with NORMAL a power cut may undo a committed sign-out.
        'synchronous = FULL',
        'foreign_keys = ON',
      ])
        this.#sqlite.run(`PRAGMA ${pragma}`)
      if (toBeChecked) check(this.#sqlite)
      this.#migrate()
      checkWritable(this.#sqlite)
    } catch (error) {
      throw openingFailure(path, error)
    }
    this.#sqlite.run(`PRAGMA busy_timeout = ${busyMs}`)
    this.#read = this.#sqlite.prepare('SELECT id FROM users LIMIT 1')
    // What it is already; but it is written.
    this.#touch = this.#sqlite.prepare(`PRAGMA user_version = ${migrations.length}`)
    this.#inode = path === ':memory:' ? 0 : statSync(path).ino
  }

  #migrate(): void {
    const { user_version: version } = this.#sqlite.query('PRAGMA user_version').get() as {
      user_version: number
    }
    if (version > migrations.length)
      throw new DatabaseError(
        `The database ${this.path} was written by a newer Parley (version ${version}, this one knows ${migrations.length}). Start the newer executable.`,
      )
    if (version === migrations.length) return
    this.#sqlite
      .transaction(() => {
        for (const sql of migrations.slice(version)) this.#sqlite.run(sql)
        this.#sqlite.run(`PRAGMA user_version = ${migrations.length}`)
      })
      .immediate()
  }

  /** A statement, prepared with its first use: some hundred would hold up the start. Rows as objects of the given shape. */
  prepare<Row, Params extends SQLQueryBindings[] = SQLQueryBindings[]>(sql: string) {
    const prepared = () => this.#sqlite.prepare<Row, Params>(sql)
    let statement: ReturnType<typeof prepared> | undefined
    const open = () => {
      statement ??= prepared()
      return statement
    }
    type Bound = Parameters<ReturnType<typeof prepared>['get']>
    return {
      get: (...params: Bound) => open().get(...params),
      all: (...params: Bound) => open().all(...params),
      run: (...params: Bound) => open().run(...params),
      iterate: (...params: Bound) => open().iterate(...params),
    }
  }

  /**
   * Runs one atomic step. All steps of one turn of the event loop share a transaction and so one fsync
   * (group commit); each stands in a savepoint of its own, and none is acknowledged before the commit.
   * The step must be synchronous. A full disk and its like are an AppError storage_unavailable.
   */
  write<T>(run: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new AppError('stopping', { retryAfter: 10 }))
      if (this.#waiting.length === 0) setImmediate(() => this.#commit())
      this.#waiting.push({ run, resolve, reject, since: performance.now() })
    })
  }

  /**
   * Runs a step at once, and does not wait for the disk: what it wrote survives this process, however it ends,
   * but not a power cut before the next commit of `write`. False where a foreign writer is in the way. A full
   * disk and its like are an AppError storage_unavailable.
   */
  writeUnsynced(run: () => void): boolean {
    if (this.#closed) throw new AppError('stopping', { retryAfter: 10 })
    try {
      this.#sqlite.run('PRAGMA synchronous = NORMAL')
      this.#sqlite.run('BEGIN IMMEDIATE')
      run()
      this.#sqlite.run('COMMIT')
      return true
    } catch (error) {
      this.#rollBack()
      if (isA(error, 'SQLITE_BUSY')) return false
      throw this.#failed(error)
    } finally {
      this.#sqlite.run('PRAGMA synchronous = FULL')
    }
  }

  #commit(): void {
    const steps = this.#waiting
    if (steps.length === 0) return
    this.#waiting = []
    const settle: Array<() => void> = []
    try {
      this.#sqlite.run('BEGIN IMMEDIATE')
      for (const step of steps) settle.push(this.#attempt(step))
      this.#sqlite.run('COMMIT')
      this.#failing = false
    } catch (error) {
      this.#rollBack()
      this.#afterFailure(steps, error)
      return
    }
    for (const done of settle) done()
  }

  #afterFailure(steps: Step[], error: unknown): void {
    if (isA(error, 'SQLITE_BUSY') && performance.now() - steps[0]!.since < patienceMs) {
      if (this.#waiting.length === 0) setTimeout(() => this.#commit(), busyMs)
      this.#waiting = [...steps, ...this.#waiting]
      return
    }
    const failure = this.#failed(error)
    for (const step of steps) step.reject(failure)
  }

  #failed(error: unknown): AppError {
    this.#failing = true
    log.error('nothing could be saved: {reason}', { reason: reason(error) })
    return new AppError('storage_unavailable', { retryAfter: 10, cause: error })
  }

  /** Some failures, a full disk among them, have rolled back already. */
  #rollBack(): void {
    if (!this.#closed && this.#sqlite.inTransaction) this.#sqlite.run('ROLLBACK')
  }

  #attempt({ run, resolve, reject }: Step): () => void {
    this.#sqlite.run('SAVEPOINT step')
    try {
      const value = run() as never
      this.#sqlite.run('RELEASE step')
      return () => resolve(value)
    } catch (error) {
      if (isStorageFailure(error)) throw error
      this.#sqlite.run('ROLLBACK TO step')
      this.#sqlite.run('RELEASE step')
      return () => reject(error)
    }
  }

  /** Milliseconds that a read takes; after a failed commit, a write. Rejects where the file is not usable, or gone. */
  async ping(): Promise<number> {
    const started = performance.now()
    if (this.#failing) await this.write(() => this.#touch.run())
    this.#read.get()
    if (statSync(this.path, { throwIfNoEntry: false })?.ino !== this.#inode)
      throw new Error('the file has been moved or deleted')
    return performance.now() - started
  }

  close(): void {
    this.#commit()
    this.#closed = true
    try {
      this.#sqlite.run('PRAGMA optimize')
    } catch (error) {
      log.debug('the database was not optimized: {reason}', { reason: reason(error) })
    }
    this.#sqlite.close()
  }
}

const storageFailures = [
  'SQLITE_FULL',
  'SQLITE_IOERR',
  'SQLITE_READONLY',
  'SQLITE_CORRUPT',
  'SQLITE_NOTADB',
  'SQLITE_BUSY',
  'SQLITE_CANTOPEN',
]

/** Whether the failure is the disk's or the file's, rather than the statement's. */
const isStorageFailure = (error: unknown): boolean => storageFailures.some(code => isA(error, code))

/** Whether a write broke a UNIQUE constraint on `table.column`. */
export const isTaken = (error: unknown, column: string): boolean =>
  isA(error, 'SQLITE_CONSTRAINT_UNIQUE') && error.message.includes(column)

/**
 * Takes the data folder for this process until it ends, however it ends: an exclusive lock that SQLite
 * holds on a file of its own. Throws DatabaseError when another process has it.
 */
export function lockDataDir(dataDir: string): { release(): void } {
  try {
    const lock = new Sqlite(join(dataDir, 'parley.lock'), { create: true })
    lock.run('PRAGMA locking_mode = EXCLUSIVE')
    lock.run('BEGIN EXCLUSIVE')
    return { release: () => lock.close() }
  } catch (error) {
    if (isA(error, 'SQLITE_BUSY'))
      throw new DatabaseError(
        `Another Parley is running on ${dataDir}. Stop it first, or give this one a DATA_DIR of its own.`,
      )
    throw new DatabaseError(`The folder DATA_DIR=${dataDir} cannot be used: ${reason(error)}`)
  }
}
