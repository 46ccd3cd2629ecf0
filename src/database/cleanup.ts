/** Expired rows are deleted in the background, in steps too small to be felt. */
import { log, reason } from '../log.ts'
import type { Database } from './database.ts'

/** The tables whose rows end at `expires_at`, and their keys. */
const expiring = {
  sign_up_attempts: 'id',
  sessions: 'id',
  codes: 'attempt_id',
  limits: '(name, key)',
}
const rowsPerStep = 200
const pauseMs = 60_000

export function startCleanup(database: Database, now: () => number): { stop(): void } {
  const timer = setInterval(() => {
    cleanUp(database, now()).catch(error =>
      log.warn('cleaning up failed: {reason}', { reason: reason(error) }),
    )
  }, pauseMs)
  return { stop: () => clearInterval(timer) }
}

/** Deletes all that has expired; other writes come in between. */
export async function cleanUp(database: Database, now: number): Promise<void> {
  for (const [table, key] of Object.entries(expiring)) {
    const columns = key.replace(/[()]/g, '')
    const remove = database.prepare(
      `DELETE FROM ${table} WHERE ${key} IN (SELECT ${columns} FROM ${table} WHERE expires_at <= ? LIMIT ${rowsPerStep})`,
    )
    while ((await database.write(() => remove.run(now).changes)) === rowsPerStep);
  }
}
