import type { Limit, LimitName } from '../../limits.ts'
import type { Secrets } from '../../secrets.ts'

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

export type LimitTable = Record<LimitName, Limit>

/** A key as it is kept outside this process: no address of a person or a client can be read from it. */
export const hashedKey = (secrets: Secrets, key: string): string =>
  secrets.mac('clients', key).toString('base64url')
