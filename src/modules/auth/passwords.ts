import pLimit from 'p-limit'
import { AppError } from '../../errors.ts'
import { yieldToEventLoop } from './hashing-threads.ts'

/** OWASP's second choice of Argon2id (19 MiB, two passes); Bun fixes the parallelism at one. */
const parameters = { algorithm: 'argon2id', memoryCost: 19_456, timeCost: 2 } as const

/** Made with those parameters from a random text that nobody kept: what is compared with where there is no account. */
const decoy =
  '$argon2id$v=19$m=19456,t=2,p=1$DIuoQtiKZr027djdgFK3JFODw1MyAwdTDlrQDkBGJH4$V8Vcrx0zAgZp5j2ZvObREPVwC9WCjQhUrfWxbyKB7Ck'

/**
 * Argon2id with bounded concurrency: so many at once, so many waiting, AppError server_busy beyond. A flood
 * of sign-ins then costs memory and threads that are known beforehand, and signed-in requests go first.
 */
export class Passwords {
  readonly #turn
  #yielding = false

  constructor(
    private readonly concurrency: number,
    private readonly queue: number,
  ) {
    this.#turn = pLimit(concurrency)
  }

  hash(password: string): Promise<string> {
    return this.#inTurn(() => Bun.password.hash(password.normalize('NFKC'), parameters))
  }

  /** Whether it is the password. Without a hash, for an account that is not there, it takes the same time. */
  matches(password: string, hash: string | null): Promise<boolean> {
    return this.#inTurn(async () => {
      const same = await Bun.password.verify(password.normalize('NFKC'), hash ?? decoy)
      return same && hash !== null
    })
  }

  /** Whether the hash was made with weaker parameters than today's. */
  isOutdated(hash: string): boolean {
    const [, memory, time] = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),/.exec(hash) ?? []
    return Number(memory ?? 0) < parameters.memoryCost || Number(time ?? 0) < parameters.timeCost
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#turn.pendingCount >= this.queue) throw new AppError('server_busy', { retryAfter: 2 })
    return this.#turn(() => {
      const done = work()
      this.#yielding ||= yieldToEventLoop(this.concurrency)
      return done
    })
  }
}
