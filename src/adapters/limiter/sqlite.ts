import type { Database } from '../../database/database.ts'
import type { LimitName } from '../../limits.ts'
import type { Secrets } from '../../secrets.ts'
import { hashedKey, type Limiter, type LimitTable, type Taken } from './limiter.ts'
import { slide, taken } from './sliding-log.ts'

/** The embedded limits: survive a restart. */
export class SqliteLimiter implements Limiter {
  readonly #find
  readonly #save
  readonly #shorten

  constructor(
    private readonly database: Database,
    private readonly secrets: Secrets,
    private readonly limits: LimitTable,
    private readonly now: () => number = Date.now,
  ) {
    this.#find = database.prepare<{ hits: string }, [string, string]>(
      'SELECT hits FROM limits WHERE name = ? AND key = ?',
    )
    this.#save = database.prepare<null, [string, string, string, number]>(
      `INSERT INTO limits (name, key, hits, expires_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (name, key) DO UPDATE SET hits = excluded.hits, expires_at = excluded.expires_at`,
    )
    this.#shorten = database.prepare<null, [string, string]>(
      `UPDATE limits SET hits = json_remove(hits, '$[#-1]') WHERE name = ? AND key = ?`,
    )
  }

  take(limit: LimitName, key: string): Promise<Taken> {
    const hashed = hashedKey(this.secrets, key)
    return this.database.write(() => this.#take(limit, hashed))
  }

  async giveBack(limit: LimitName, key: string): Promise<void> {
    const hashed = hashedKey(this.secrets, key)
    // The database has logged what went wrong; the count stands until it slides out.
    await this.database.write(() => this.#shorten.run(limit, hashed)).catch(() => {})
  }

  #take(limit: LimitName, key: string): Taken {
    const before = this.#find.get(limit, key)?.hits ?? '[]'
    const { hits, wait } = slide(JSON.parse(before), this.limits[limit], this.now())
    const after = JSON.stringify(hits)
    // A flood of refusals writes nothing.
    if (after !== before) this.#save.run(limit, key, after, hits.at(-1)! + this.limits[limit].seconds * 1000)
    return taken(wait)
  }
}
