/** Carries runs out: each is recorded before it speaks, and kept before its end is told. */
import type { Config } from '../../config.ts'
import { AppError } from '../../errors.ts'
import { log, reason } from '../../log.ts'
import type { TokenUsage } from '../usage/service.ts'
import type { Agent, Task } from './agent.ts'
import type { RunEnding } from './events.ts'
import type { ChatName, Coming, RunKeeper, RunName } from './keeper.ts'
import { Lanes, type OnConflict, Step } from './lanes.ts'
import { type RecordEntry, Recorder } from './recorder.ts'
import { Run } from './run.ts'
import type { CallAnswer, KeptRun, Order, Paused, RunState } from './store.ts'

/** Seconds after which one of several answers under way may have ended. */
const nextRunSeconds = 5

/** Seconds a restart takes at most. */
const restartSeconds = 30

/** For an answer that is broken off to be kept. What is not ended then will be at the next start. */
const lastWordsMs = 5000

type NewRun = { userId: string; chatId: string; model: string }

export class Runner {
  readonly #lanes = new Lanes()
  readonly #recorder: Recorder
  /** Taken out of the line, their end not kept yet. */
  readonly #withdrawn = new Map<string, Run>()
  #agent: Promise<Agent> | null = null
  #stopping = false
  /** Told of every answer that is whole, once it is. */
  onAnswer: (run: Run) => void = () => {}

  /** @param openAgent loads the agent, with the first message */
  constructor(
    private readonly keeper: RunKeeper,
    record: (entries: RecordEntry[]) => boolean,
    private readonly openAgent: () => Promise<Agent>,
    private readonly usage: TokenUsage,
    private readonly config: Pick<Config, 'AGENT_MAX_RUNS'>,
  ) {
    this.#recorder = new Recorder(record)
  }

  /** Resolves when the run and its message are on disk; it goes on by itself. */
  async start(
    identity: NewRun,
    order: Order,
    { onConflict, ...coming }: Coming & { onConflict: OnConflict },
  ): Promise<Run> {
    const { userId, chatId } = identity
    const run = new Run(identity)
    const interrupted = () => (onConflict === 'interrupt' ? this.answering(userId, chatId) : null)
    // What is refused interrupts nobody.
    if (interrupted()) await this.keeper.check(run, order, coming)
    // Nothing is awaited from here until the run has its place, so that of many at once no more get one.
    this.admit(userId, interrupted())
    const inLine = Promise.withResolvers<void>()
    const begin = () => void inLine.promise.then(() => this.#beginLate(run, order))
    if (this.#lanes.enter(run, onConflict, begin) === 'now') {
      await this.#begin(run, order, coming)
      return run
    }
    await this.keeper.queue(run, order, coming).catch(error => this.#turnAway(run, error))
    inLine.resolve()
    return run
  }

  /** Notes the answers of calls that a run waits for, and lets it go on with the last of them. */
  async goOn(name: RunName, answers: Array<{ id: string; answer: CallAnswer }>): Promise<Run> {
    const waiting = await this.find(name)
    this.admit(name.userId)
    const run = Run.again(waiting)
    this.#lanes.enter(run, 'reject')
    try {
      const kept = await this.keeper.answerCalls(name, answers)
      if (kept) {
        await this.#continue(run, kept.messageId!, kept.paused!)
        return run
      }
    } catch (error) {
      this.#letGo(run)
      throw error
    }
    this.#letGo(run)
    return Run.of(waiting)
  }

  #letGo(run: Run): void {
    this.#lanes.leave(run)
    run.letGo()
  }

  /** The run, if it has not ended. */
  live(userId: string, chatId: string, runId: string): Run | null {
    return this.#lanes.of(userId, chatId).find(({ id }) => id === runId) ?? null
  }

  /** The run of the chat that waits for somebody. */
  waiting(userId: string, chatId: string): Promise<KeptRun | null> {
    return this.keeper.waiting(userId, chatId)
  }

  /** The run that answers in the chat. */
  answering(userId: string, chatId: string): Run | null {
    return this.#lanes.current(userId, chatId)
  }

  /** How the run stands. Throws run_not_found. */
  async state(name: RunName): Promise<RunState> {
    const state = await this.keeper.state(name)
    const isOpen = state.status === 'running' || state.status === 'queued'
    if (!isOpen || this.#isCarriedOut(name)) return state
    await this.keeper.settleLeft(name)
    return this.keeper.state(name)
  }

  #isCarriedOut({ userId, chatId, runId }: RunName): boolean {
    return this.live(userId, chatId, runId) !== null || this.#withdrawn.has(runId)
  }

  /** The run with all its events, if nobody carries it out. Throws run_not_found. */
  async find(name: RunName): Promise<KeptRun> {
    await this.state(name)
    return this.keeper.find(name)
  }

  /** Resolves when the run has ended, whatever begins, or takes it up again, at the same moment. */
  async cancel(name: RunName): Promise<void> {
    const live = () =>
      this.live(name.userId, name.chatId, name.runId) ?? this.#withdrawn.get(name.runId) ?? null
    let kept: KeptRun
    do {
      // Taken up for an answer that was none, it waits again.
      for (let run = live(); run; run = live()) await this.#cancelLive(run)
      kept = await this.find(name)
    } while (live())
    // In line for the disk before anything is awaited: answers that come later find it ended, and a message that
    // ends the wait as well ends nothing twice.
    if (kept.status === 'waiting') await this.keeper.settle(kept, 'run_cancelled')
  }

  async cancelAll(chat: ChatName): Promise<void> {
    const runs = this.#lanes.of(chat.userId, chat.chatId).reverse()
    await Promise.all(runs.map(run => this.#cancelLive(run)))
    await this.alone(chat, 'interrupt', () => this.keeper.settleOpen(chat, 'run_cancelled'))
  }

  /**
   * Takes a step while nothing runs in the chat and nothing begins to. Where something does it throws
   * run_in_progress, or ends that first.
   */
  async alone<T>(
    chat: ChatName,
    onConflict: Exclude<OnConflict, 'enqueue'>,
    step: () => Promise<T>,
  ): Promise<T> {
    const place = new Step({ ...chat, id: undefined, model: null })
    const turn = Promise.withResolvers<void>()
    if (this.#lanes.enter(place, onConflict, turn.resolve) === 'now') turn.resolve()
    try {
      await turn.promise
      return await step()
    } finally {
      this.#lanes.leave(place)
    }
  }

  async #cancelLive(run: Run): Promise<void> {
    const cancelled = new AppError('run_cancelled')
    run.abort(cancelled)
    if (this.#lanes.withdraw(run)) await this.#closeWithdrawn(run, cancelled)
    await run.ended
  }

  async #closeWithdrawn(run: Run, failure: AppError): Promise<void> {
    this.#withdrawn.set(run.id, run)
    await this.#close(run, null, failure)
    this.#withdrawn.delete(run.id)
  }

  /** Loads the agent, so that the first message need not wait for it. */
  warm(): Promise<Agent> {
    this.#agent ??= this.openAgent().catch(error => {
      // The next message tries again.
      this.#agent = null
      throw error
    })
    return this.#agent
  }

  /** Refuses new messages, lets running answers end, and breaks off those that take longer; what they said is kept. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true
    // They are on disk, and ended at the next start.
    for (const run of this.#lanes.queued) {
      this.#lanes.withdraw(run)
      run.end({ type: 'RUN_ERROR', failure: interrupted().failure })
    }
    const { running } = this.#lanes
    const ended = Promise.all(running.map(run => run.ended))
    await Promise.race([ended, Bun.sleep(deadlineMs)])
    for (const run of running) run.abort(interrupted())
    await Promise.race([ended, Bun.sleep(lastWordsMs)])
  }

  /**
   * Throws stopping, too_many_runs, token_budget_spent.
   * @param leaving a run that will make room
   */
  admit(userId: string, leaving: Run | null = null): void {
    if (this.#stopping) throw new AppError('stopping', { retryAfter: restartSeconds })
    const max = this.config.AGENT_MAX_RUNS
    if (this.#lanes.count(userId) - (leaving ? 1 : 0) >= max)
      throw new AppError('too_many_runs', { params: { max }, retryAfter: nextRunSeconds })
    this.usage.check(userId)
  }

  async #begin(run: Run, order: Order, coming: Coming): Promise<void> {
    const { task, attached } = await this.keeper
      .prepare(run, order, coming)
      .catch(error => this.#turnAway(run, error))
    // The model is asked while the disk writes; nobody hears of it before the message is kept.
    const recorded = this.keeper.begin(run, attached, coming)
    // Attachments are sent to it from there.
    const ready = coming.attachments.length > 0 ? recorded : undefined
    void this.#carryOut(run, task, recorded, ready)
    await recorded.catch(async error => {
      await run.ended
      throw error
    })
  }

  /** Of a run that is not on record: those who saw it come hear that it does not. */
  #turnAway(run: Run, error: unknown): never {
    if (!this.#lanes.withdraw(run)) this.#lanes.leave(run)
    run.end(endingOf(null, asAppError(run, error)))
    throw error
  }

  /** Its turn has come, and nobody waits to hear why it fails. */
  async #beginLate(run: Run, order: Order): Promise<void> {
    try {
      const { task, attached } = await this.keeper.prepare(run, order)
      await this.#carryOut(run, task, this.keeper.begin(run, attached))
    } catch (error) {
      await this.#close(run, null, this.#failureOf(run, error))
    }
  }

  async #continue(run: Run, messageId: string, paused: Paused): Promise<void> {
    const at = { kind: 'again' as const, messageId }
    const { instructions, clientTools } = paused
    const order = { message: null, at, instructions, clientTools }
    const { task } = await this.keeper.prepare(run, order, { paused })
    void this.#carryOut(run, task, Promise.resolve())
  }

  /** Never rejects. The end is told when it is kept, and when the next message may come. */
  async #carryOut(run: Run, task: Task, recorded: Promise<void>, ready?: Promise<void>): Promise<void> {
    recorded.catch(error => run.abort(error))
    run.transcript.append({ type: 'RUN_STARTED' })
    this.#recorder.begin(run)
    this.usage.begin(run)
    let paused: Paused | null = null
    let failure: AppError | null = null
    try {
      await ready
      const agent = await this.warm()
      paused = await agent.answer(run, task)
    } catch (error) {
      failure = this.#failureOf(run, error)
    }
    await this.#close(run, paused, failure)
  }

  /** Keeps what the run came to, leaves its place, and tells its end. */
  async #close(run: Run, paused: Paused | null, failure: AppError | null): Promise<void> {
    let ending = endingOf(paused, failure)
    try {
      await this.keeper.end(run, ending, paused)
    } catch (error) {
      ending = endingOf(null, this.#failureOf(run, error))
    }
    this.#recorder.end(run)
    this.usage.end(run)
    this.#lanes.leave(run)
    run.end(ending)
    if (ending.type === 'RUN_FINISHED') this.onAnswer(run)
  }

  #failureOf(run: Run, error: unknown): AppError {
    const known = error instanceof AppError
    const failure = asAppError(run, error)
    const cause = failure.options.cause === undefined ? '' : ` (${reason(failure.options.cause)})`
    const line = { id: run.id, code: failure.code, cause }
    if (failure.code === 'run_cancelled') log.debug('the run {id} was cancelled', line)
    else if (known) log.warn('the run {id} failed: {code}{cause}', line)
    else log.error('the run {id} failed: {code}{cause}', line)
    return failure
  }
}

const asAppError = ({ id }: Run, error: unknown): AppError =>
  error instanceof AppError ? error : new AppError('internal_error', { params: { id }, cause: error })

const interrupted = () => new AppError('run_interrupted', { retryAfter: restartSeconds })

function endingOf(paused: Paused | null, failure: AppError | null): RunEnding {
  if (failure) return { type: 'RUN_ERROR', failure: failure.failure }
  if (!paused) return { type: 'RUN_FINISHED' }
  const calls = paused.calls.map(({ input: _, answer: __, ...held }) => held)
  return { type: 'RUN_PAUSED', calls }
}
