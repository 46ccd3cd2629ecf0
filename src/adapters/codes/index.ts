import type { Database } from '../../database/database.ts'
import type { Secrets } from '../../secrets.ts'
import type { Redis } from '../redis.ts'
import type { Codes } from './codes.ts'
import { RedisCodes } from './redis.ts'
import { SqliteCodes } from './sqlite.ts'

export type { Codes } from './codes.ts'

/** The codes in Redis where there is one, else in the database. */
export function openCodes({
  database,
  redis,
  secrets,
  now = Date.now,
}: {
  database: Database
  redis: Redis | null
  secrets: Secrets
  now?: () => number
}): Codes {
  return redis ? new RedisCodes(redis, secrets) : new SqliteCodes(database, secrets, now)
}
