/** Chats with the agent: every message is a run, kept before it is answered and after. */
import type { ModelMessage } from 'ai'
import type { Config } from '../../config.ts'
import { AppError } from '../../errors.ts'
import { log, reason } from '../../log.ts'
import type { Agent } from './agent.ts'
import { answerOf } from './answer.ts'
import { contextOf } from './history.ts'
import { Run } from './run.ts'
import type { AgentChatStore, KeptMessage } from './store.ts'
import type { People } from './tools/tool.ts'

/** Of English; other scripts take more bytes a token, so the estimate errs on the safe side. */
const bytesPerToken = 3

/** Seconds after which one of several answers under way may have ended. */
const nextRunSeconds = 5

/** Seconds a restart takes at most. */
const restartSeconds = 30

/** For an answer that is broken off to be kept. What is not ended then will be at the next start. */
const lastWordsMs = 5000

export type Message = { message: string; session_id?: string | null }

export class AgentChats {
  /** The chats being answered, by their users. */
  readonly #busy = new Map<string, Set<string>>()
  readonly #runs = new Set<Run>()
  #agent: Promise<Agent> | null = null
  #stopping = false

  constructor(
    private readonly store: AgentChatStore,
    private readonly people: People,
    private readonly config: Config,
    private readonly now: () => number = Date.now,
  ) {}

  /**
   * Takes a message, into a new chat where none is named; resolves when it is on disk. The run goes on by
   * itself to its end, which is kept before it is told. Throws stopping, too_many_runs, run_in_progress,
   * chat_not_found, storage_unavailable.
   */
  async start(userId: string, { message, session_id }: Message): Promise<Run> {
    // Nothing is awaited before the run has its place, so that of many at once no more get one.
    const run = new Run(session_id?.toLowerCase() ?? Bun.randomUUIDv7(), userId)
    this.#takePlace(run)
    const kept: KeptMessage = { id: Bun.randomUUIDv7(), message: { role: 'user', content: message } }
    const context = await this.#contextOf(run, kept).catch(error => {
      this.#leavePlace(run)
      run.fail(error)
      throw error
    })
    // The model is asked while the disk writes; nobody hears of it before the message is kept.
    const recorded = this.#record(run, kept)
    void this.#carryOut(run, context, recorded)
    await recorded
    return run
  }

  /** Loads the agent, so that the first message need not wait for it. */
  warm(): Promise<Agent> {
    this.#agent ??= import('./agent.ts').then(({ openAgent }) =>
      openAgent(this.config, this.people, this.now),
    )
    return this.#agent
  }

  /** For the start: closes what a crash has left open. */
  failInterruptedRuns(): Promise<void> {
    return this.store.failInterruptedRuns(this.now())
  }

  /** Refuses new messages, lets running answers end, and breaks off those that take longer; what they said is kept. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true
    const ended = Promise.all([...this.#runs].map(run => run.ended))
    await Promise.race([ended, Bun.sleep(deadlineMs)])
    for (const run of this.#runs) run.abort(new AppError('run_interrupted', { retryAfter: restartSeconds }))
    await Promise.race([ended, Bun.sleep(lastWordsMs)])
  }

  #takePlace(run: Run): void {
    if (this.#stopping) throw new AppError('stopping', { retryAfter: restartSeconds })
    const chats = this.#busy.get(run.userId) ?? new Set()
    if (chats.has(run.chatId)) throw new AppError('run_in_progress')
    const max = this.config.AGENT_MAX_RUNS
    if (chats.size >= max)
      throw new AppError('too_many_runs', { params: { max }, retryAfter: nextRunSeconds })
    this.#busy.set(run.userId, chats.add(run.chatId))
    this.#runs.add(run)
  }

  #leavePlace(run: Run): void {
    const chats = this.#busy.get(run.userId)
    chats?.delete(run.chatId)
    if (chats?.size === 0) this.#busy.delete(run.userId)
    this.#runs.delete(run)
  }

  async #contextOf(run: Run, { message }: KeptMessage): Promise<ModelMessage[]> {
    const budget =
      this.config.AGENT_CONTEXT_TOKENS * bytesPerToken - Buffer.byteLength(JSON.stringify(message))
    const history = await this.store.history(run.chatId, run.userId, budget)
    if (history === 'chat_not_found') throw new AppError('chat_not_found')
    return contextOf(history, message)
  }

  async #record({ id, chatId, userId }: Run, message: KeptMessage): Promise<void> {
    const begun = await this.store.beginRun({ runId: id, chatId, userId, message, now: this.now() })
    if (begun === 'chat_not_found') throw new AppError('chat_not_found')
  }

  /** Never rejects. The end is told when it is kept, and when the next message may come. */
  async #carryOut(run: Run, context: ModelMessage[], recorded: Promise<void>): Promise<void> {
    recorded.catch(error => run.abort(error))
    run.transcript.append({ type: 'RUN_STARTED' })
    let failure: AppError | null = null
    try {
      const agent = await this.warm()
      await agent.answer(run, context)
    } catch (error) {
      failure = this.#failureOf(run, error)
    }
    try {
      await this.store.endRun({
        runId: run.id,
        chatId: run.chatId,
        errorCode: failure?.code ?? null,
        answer: answerOf(run.transcript.events),
        now: this.now(),
      })
    } catch (error) {
      failure ??= this.#failureOf(run, error)
    }
    this.#leavePlace(run)
    if (failure) run.fail(failure)
    else run.finish()
  }

  #failureOf(run: Run, error: unknown): AppError {
    const known = error instanceof AppError
    const failure = known ? error : new AppError('internal_error', { params: { id: run.id }, cause: error })
    const cause = failure.options.cause === undefined ? '' : ` (${reason(failure.options.cause)})`
    if (known) log.warn('the run {id} failed: {code}{cause}', { id: run.id, code: failure.code, cause })
    else log.error('the run {id} failed: {code}{cause}', { id: run.id, code: failure.code, cause })
    return failure
  }
}
