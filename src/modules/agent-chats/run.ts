import { AppError } from '../../errors.ts'
import { type Spent, sumOf, type Usage } from '../usage/tokens.ts'
import { outputOf } from './answer.ts'
import { type HeldCall, isEnding, type RunEnding, type RunEvent } from './events.ts'
import type { KeptRun } from './store.ts'
import { Transcript } from './transcript.ts'

/** How a run stands. Queued, it waits for the one before; waiting, for a person or a client. */
export type RunStatus = 'queued' | 'running' | 'waiting' | 'finished' | 'failed' | 'cancelled'

type Identity = {
  id?: string
  answerId?: string | null
  chatId: string
  userId: string
  model: string | null
}

/** One answer in the making. It is not its connection: it goes on, and is kept, whoever reads along. */
export class Run {
  readonly id: string
  /** The first message of the answer will be called this. */
  readonly answerId: string
  readonly chatId: string
  readonly userId: string
  readonly model: string
  readonly transcript: Transcript
  /** The place in the transcript where this leg began: past it, a run that waited goes on. */
  readonly legStart: number
  /** What this leg's calls of the model took. */
  readonly spent: Spent[] = []
  /** Resolves when the run has ended, or waits. */
  readonly ended: Promise<void>
  failure: AppError | null = null
  /** What it waits for. */
  held: HeldCall[] = []
  readonly #abort = new AbortController()
  #resolveEnded!: () => void

  /** @param kept what happened in it before, if it is taken up again */
  constructor({ id, answerId, chatId, userId, model }: Identity, kept: RunEvent[] = []) {
    this.id = id ?? Bun.randomUUIDv7()
    this.answerId = answerId ?? Bun.randomUUIDv7()
    this.chatId = chatId
    this.userId = userId
    this.model = model ?? ''
    this.transcript = new Transcript(kept)
    this.legStart = this.transcript.length
    this.ended = new Promise(resolve => {
      this.#resolveEnded = resolve
    })
  }

  /** A run that nobody carries out, as it is kept: its readers find all of it. */
  static of(kept: KeptRun): Run {
    const run = new Run({ ...kept, id: kept.runId }, kept.events)
    const last = kept.events.at(-1)
    if (last && isEnding(last)) run.#ends(last)
    return run
  }

  /** A run that is taken up where it was left. */
  static again(kept: KeptRun): Run {
    const run = new Run({ ...kept, id: kept.runId }, kept.events)
    run.transcript.reopen()
    return run
  }

  /** Fires when the run is to end before its time; its reason is the AppError to end it with. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** The first reason counts. */
  abort(reason: AppError): void {
    this.#abort.abort(reason)
  }

  /** Notes what a call of the model took. */
  spend(usage: Usage, day: string): void {
    this.spent.push({ ...usage, day, model: this.model })
  }

  /** What this leg took in all. */
  get usage(): Usage {
    return sumOf(this.spent)
  }

  /** What the last message says. */
  get output(): string {
    return outputOf(this.transcript.events)
  }

  /** Tells the ending, which is on record by now. */
  end(ending: RunEnding): void {
    this.transcript.append(ending)
    this.#ends(ending)
  }

  /** What it was taken up for came to nothing: it stands as before. */
  letGo(): void {
    this.transcript.close()
    this.#resolveEnded()
  }

  #ends(ending: RunEnding): void {
    if (ending.type === 'RUN_ERROR') this.failure = new AppError(ending.failure.code, ending.failure)
    if (ending.type === 'RUN_PAUSED') this.held = ending.calls
    this.#resolveEnded()
  }
}
