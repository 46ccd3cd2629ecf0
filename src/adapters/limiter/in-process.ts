import type { LimitName } from '../../limits.ts'
import type { Limiter, LimitTable, Taken } from './limiter.ts'
import { slide, taken } from './sliding-log.ts'

type Hits = number[]

/** Limits of this process alone, forgotten when it ends: for the time that Redis is away. */
export class InProcessLimiter implements Limiter {
  /** Each limit's keys in the order they last came, so that what has expired or is idle stands first. */
  readonly #counts = new Map<LimitName, Map<string, Hits>>()

  /** @param capacity keys of one limit at most; beyond it the one idle longest makes room */
  constructor(
    private readonly limits: LimitTable,
    private readonly now: () => number = Date.now,
    private readonly capacity = 20_000,
  ) {}

  async take(limit: LimitName, key: string): Promise<Taken> {
    const counts = this.#countsOf(limit)
    const now = this.now()
    const { hits, wait } = slide(counts.get(key) ?? [], this.limits[limit], now)
    counts.delete(key)
    makeRoom(counts, this.capacity, now - this.limits[limit].seconds * 1000)
    counts.set(key, hits)
    return taken(wait)
  }

  async giveBack(limit: LimitName, key: string): Promise<void> {
    const counts = this.#countsOf(limit)
    const hits = counts.get(key)
    hits?.pop()
    if (hits?.length === 0) counts.delete(key)
  }

  /** Keys held, of all limits. */
  get size(): number {
    return [...this.#counts.values()].reduce((sum, counts) => sum + counts.size, 0)
  }

  #countsOf(limit: LimitName): Map<string, Hits> {
    let counts = this.#counts.get(limit)
    if (!counts) {
      counts = new Map()
      this.#counts.set(limit, counts)
    }
    return counts
  }
}

/** Drops what has expired, and as much more as it takes for one to fit. */
function makeRoom(counts: Map<string, Hits>, capacity: number, expired: number): void {
  for (const [key, hits] of counts) {
    if (counts.size < capacity && hits.at(-1)! > expired) return
    counts.delete(key)
  }
}
