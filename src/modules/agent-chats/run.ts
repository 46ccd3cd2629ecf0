import type { AppError } from '../../errors.ts'
import { outputOf } from './answer.ts'
import { Transcript } from './transcript.ts'

/** One answer in the making. It is not its connection: it goes on, and is kept, whoever reads along. */
export class Run {
  readonly id = Bun.randomUUIDv7()
  readonly transcript = new Transcript()
  readonly ended: Promise<void>
  failure: AppError | null = null
  readonly #abort = new AbortController()
  #resolveEnded!: () => void

  constructor(
    readonly chatId: string,
    readonly userId: string,
  ) {
    this.ended = new Promise(resolve => {
      this.#resolveEnded = resolve
    })
  }

  /** Fires when the run is to end before its time; its reason is the AppError to end it with. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** The first reason counts. */
  abort(reason: AppError): void {
    this.#abort.abort(reason)
  }

  /** What the last message says. */
  get output(): string {
    return outputOf(this.transcript.events)
  }

  finish(): void {
    this.transcript.append({ type: 'RUN_FINISHED' })
    this.#resolveEnded()
  }

  fail(failure: AppError): void {
    this.failure = failure
    this.transcript.append({ type: 'RUN_ERROR', failure })
    this.#resolveEnded()
  }
}
