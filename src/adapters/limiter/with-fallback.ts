import type { LimitName } from '../../limits.ts'
import type { Limiter, LimitTable, Taken } from './limiter.ts'

/**
 * Goes on in this process while the store is away, so that people can still sign in and guessers are still
 * held up; but refuses where `withoutStore` says that the store must have counted.
 */
export class LimiterWithFallback implements Limiter {
  constructor(
    private readonly store: Limiter,
    private readonly fallback: Limiter,
    private readonly limits: LimitTable,
  ) {}

  async take(limit: LimitName, key: string): Promise<Taken> {
    try {
      return await this.store.take(limit, key)
    } catch (error) {
      if (this.limits[limit].withoutStore === 'refuse') throw error
      return this.fallback.take(limit, key)
    }
  }

  /** Both, since the count may be in either: where there is none, nothing happens. */
  async giveBack(limit: LimitName, key: string): Promise<void> {
    await Promise.all([this.store.giveBack(limit, key), this.fallback.giveBack(limit, key)])
  }
}
