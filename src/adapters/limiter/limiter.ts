import type { LimitName } from '../../limits.ts'

/** What `take` says: counted, or refused for so many seconds. */
export type Taken = { ok: true } | { ok: false; retryAfter: number }

/**
 * Counts against the limits of limits.ts, each key by itself, atomically: of any number of callers at once
 * no more than the limit are let through.
 */
export interface Limiter {
  /** Counts one. Rejects with AppError codes_unavailable where its store is away and the limit demands it. */
  take(limit: LimitName, key: string): Promise<Taken>
  /** Takes the newest count back: it was no misuse. Never rejects. */
  giveBack(limit: LimitName, key: string): Promise<void>
}
