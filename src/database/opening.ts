/** What can be wrong with the file at the start, each said with what to do about it. */
import { SQLiteError, type Database as Sqlite } from 'bun:sqlite'
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { StartError } from '../errors.ts'
import { reason } from '../log.ts'

/** Why the database cannot be used, as a sentence for the person who starts the server. */
export class DatabaseError extends StartError {}

/** A file of this size is looked through within 20 ms, one of a GiB within seconds. */
const smallBytes = 16 * 1024 * 1024

/** Whether the file is to be looked through: if that is quick, or if the last to use it did not close it. Ask before it is opened. */
export const deservesCheck = (path: string): boolean =>
  sizeOf(path) <= smallBytes || sizeOf(`${path}-wal`) > 0

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

/** Throws where a page of the file is not what it should be. */
export function check(sqlite: Sqlite): void {
  const { quick_check: found } = sqlite.query('PRAGMA quick_check(1)').get() as { quick_check: string }
  if (found !== 'ok') throw new Damage(found.trim().split('\n').at(-1))
}

class Damage extends Error {
  override name = 'quick_check'
}

/** Throws where it can be read but not written. */
export function checkWritable(sqlite: Sqlite): void {
  sqlite.run('BEGIN IMMEDIATE')
  sqlite.run('ROLLBACK')
}

/** What the person who starts the server is told of a failure to open the file. */
export function openingFailure(path: string, error: unknown): DatabaseError {
  if (error instanceof DatabaseError) return error
  const isDamaged = error instanceof Damage || isA(error, 'SQLITE_CORRUPT') || isA(error, 'SQLITE_NOTADB')
  return new DatabaseError(
    isDamaged
      ? `The database ${path} is damaged: ${reason(error)}. To restore a backup, move parley.db, parley.db-wal and parley.db-shm out of ${dirname(path)}, put the backup there as parley.db and start again.`
      : `The database ${path} cannot be opened for writing: ${reason(error)}. The user that runs Parley must own ${dirname(path)} and all in it, and the disk must be writable and have space left.`,
  )
}

/** Whether SQLite failed with this code or one that extends it (https://www.sqlite.org/rescode.html). */
export const isA = (error: unknown, code: string): error is SQLiteError =>
  error instanceof SQLiteError && (error.code?.startsWith(code) ?? false)
