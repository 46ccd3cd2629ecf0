import type { SettingName } from '../../config.ts'
import { AppError, type ErrorCode } from '../../errors.ts'

export type Limits = { firstTokenMs: number; silenceMs: number; runMs: number }

/** Watches the clock of one run: its beginning to speak, its silences, its whole. A tool at work is no silence. */
export class TimeLimits {
  readonly #whole: Timer
  #call: Timer | null = null
  #spoken = false

  /** @param abort called once, when a limit is passed */
  constructor(
    private readonly limits: Limits,
    private readonly abort: (failure: AppError) => void,
  ) {
    this.#whole = this.#after(limits.runMs, 'run_timeout', 'AGENT_RUN_SECONDS')
  }

  callStarts(): void {
    this.callEnds()
    this.#spoken = false
    this.#call = this.#after(this.limits.firstTokenMs, 'model_timeout', 'AGENT_FIRST_TOKEN_SECONDS')
  }

  /** The model said something; what arrives late, after the call, does not count. */
  callSpeaks(): void {
    if (!this.#call) return
    if (this.#spoken) {
      this.#call.refresh()
      return
    }
    clearTimeout(this.#call)
    this.#call = this.#after(this.limits.silenceMs, 'model_timeout', 'AGENT_SILENCE_SECONDS')
    this.#spoken = true
  }

  callEnds(): void {
    if (this.#call) clearTimeout(this.#call)
    this.#call = null
  }

  stop(): void {
    this.callEnds()
    clearTimeout(this.#whole)
  }

  /** @param setting for the log: which of them it was */
  #after(ms: number, code: ErrorCode, setting: SettingName): Timer {
    return setTimeout(() => this.abort(new AppError(code, { cause: new Error(`${setting} passed`) })), ms)
  }
}
