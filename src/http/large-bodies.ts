/**
 * Bodies larger than a form: read of those alone who are signed in, and as many at once as there is room for.
 * Others wait, and as nobody reads them they take no memory either.
 */
import { Semaphore, type SemaphoreInterface, withTimeout } from 'async-mutex'
import { AppError } from '../errors.ts'
import { largeBodies as limits } from '../limits.ts'
import { callerOf, type Sessions } from './caller.ts'

/** Seconds after which another body will have been read. */
const retryAfter = 5

export class LargeBodies {
  readonly #room = room(limits.ofAll)
  readonly #rooms = new Map<string, SemaphoreInterface>()

  constructor(
    private readonly sessions: Sessions,
    private readonly now: () => number,
  ) {}

  /**
   * Has the body read when there is room for it; the empty object for nobody, whom the route's guard turns away.
   * @param read calls what it is given whenever something has arrived
   */
  async read(
    request: Request,
    length: number,
    read: (arrives: () => void) => Promise<object>,
  ): Promise<object> {
    const caller = callerOf(request, this.sessions)
    if (!caller) return {}
    const bytes = Math.min(length, limits.ofUser)
    const own = this.#rooms.get(caller.userId) ?? room(limits.ofUser)
    this.#rooms.set(caller.userId, own)
    try {
      return await own.runExclusive(() => this.#room.runExclusive(() => read(this.#inTime()), bytes), bytes)
    } finally {
      // Nobody has it, or waits for it.
      if (own.getValue() === limits.ofUser) this.#rooms.delete(caller.userId)
    }
  }

  /** Throws body_too_slow once it is called too late. */
  #inTime(): () => void {
    const end = this.now() + limits.readSeconds * 1000
    return () => {
      if (this.now() > end) throw new AppError('body_too_slow')
    }
  }
}

const room = (bytes: number) =>
  withTimeout(new Semaphore(bytes), limits.waitSeconds * 1000, new AppError('server_busy', { retryAfter }))
