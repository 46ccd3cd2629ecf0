import type { Database } from '../../database/database.ts'
import { limits } from '../../limits.ts'
import type { Secrets } from '../../secrets.ts'
import type { Redis } from '../redis.ts'
import { InProcessLimiter } from './in-process.ts'
import type { Limiter } from './limiter.ts'
import { RedisLimiter } from './redis.ts'
import { SqliteLimiter } from './sqlite.ts'
import { LimiterWithFallback } from './with-fallback.ts'

export type { Limiter, Taken } from './limiter.ts'

/** The limits in Redis where there is one, else in the database. */
export function openLimiter({
  database,
  redis,
  secrets,
  now = Date.now,
}: {
  database: Database
  redis: Redis | null
  secrets: Secrets
  now?: () => number
}): Limiter {
  if (!redis) return new SqliteLimiter(database, secrets, limits, now)
  return new LimiterWithFallback(
    new RedisLimiter(redis, secrets, limits),
    new InProcessLimiter(limits, now),
    limits,
  )
}
