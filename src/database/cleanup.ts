/** Expired rows are deleted in the background, in steps too small to be felt. */
import { log, reason } from '../log.ts'
import type { Database } from './database.ts'

/** The tables whose rows end at `expires_at`, and their keys. */
const expiring = {
  sign_up_attempts: 'id',
  sessions: 'id',
  codes: 'attempt_id',
  limits: '(name, key)',
  idempotency_keys: '(user_id, key)',
}
const rowsPerStep = 200
const pauseMs = 60_000

export function startCleanup(database: Database, now: () => number): { stop(): void } {
  const cleanUp = cleanerOf(database)
  const timer = setInterval(() => {
    cleanUp(now()).catch(error => log.warn('cleaning up failed: {reason}', { reason: reason(error) }))
  }, pauseMs)
  return { stop: () => clearInterval(timer) }
}

/** Deletes all that has expired; other writes come in between. */
export function cleanerOf(database: Database): (now: number) => Promise<void> {
  const steps = Object.entries(expiring).map(([table, key]) => {
    const columns = key.replace(/[()]/g, '')
    const some = `SELECT ${columns} FROM ${table} WHERE expires_at <= ? LIMIT ${rowsPerStep}`
    return database.prepare<null, [number]>(`DELETE FROM ${table} WHERE ${key} IN (${some})`)
  })
  return async now => {
    for (const step of steps) while ((await database.write(() => step.run(now).changes)) === rowsPerStep);
  }
}
