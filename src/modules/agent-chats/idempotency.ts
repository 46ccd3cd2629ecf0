/** Starts under an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): the same key is the same run. */
import { AppError } from '../../errors.ts'
import type { Run } from './run.ts'
import type { IdempotencyKey, RunStore } from './store.ts'

type Start = { fingerprint: string; run: Promise<Run> }

export class IdempotentStarts {
  /** Those not on disk yet. */
  readonly #starting = new Map<string, Start>()

  constructor(
    private readonly store: Pick<RunStore, 'keyed'>,
    private readonly now: () => number,
  ) {}

  /** Throws idempotency_key_reused where the key was another request's. */
  async once(
    userId: string,
    key: IdempotencyKey | null,
    start: () => Promise<Run>,
    find: (before: { chatId: string; runId: string }) => Promise<Run>,
  ): Promise<Run> {
    if (!key) return start()
    const id = `${userId} ${key.key}`
    const before = this.#starting.get(id)
    if (before) return same(before, key).run
    const kept = this.store.keyed(userId, key.key, this.now())
    if (kept) return find(same(kept, key))
    const starting = { fingerprint: key.fingerprint, run: start() }
    this.#starting.set(id, starting)
    return starting.run.finally(() => this.#starting.delete(id))
  }
}

function same<T extends { fingerprint: string }>(before: T, { fingerprint }: IdempotencyKey): T {
  if (before.fingerprint !== fingerprint) throw new AppError('idempotency_key_reused')
  return before
}
