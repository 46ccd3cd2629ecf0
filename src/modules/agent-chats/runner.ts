/** Carries runs out: each is recorded before it speaks, and kept before its end is told. */
import type { Config } from '../../config.ts'
import { AppError, type ErrorCode } from '../../errors.ts'
import { log, reason } from '../../log.ts'
import type { Agent, Task } from './agent.ts'
import { answerOf } from './answer.ts'
import type { RunEnding } from './events.ts'
import { contextOf } from './history.ts'
import { Lanes, type OnConflict } from './lanes.ts'
import { Recorder } from './recorder.ts'
import { Run } from './run.ts'
import type {
  Attached,
  CallAnswer,
  Context,
  IdempotencyKey,
  KeptRun,
  Order,
  Paused,
  RunStart,
  RunStore,
} from './store.ts'
import { closingsOf } from './unfinished.ts'

/** Of English; other scripts take more bytes a token, so the estimate errs on the safe side. */
const bytesPerToken = 3

/** Seconds after which one of several answers under way may have ended. */
const nextRunSeconds = 5

/** Seconds a restart takes at most. */
const restartSeconds = 30

/** For an answer that is broken off to be kept. What is not ended then will be at the next start. */
const lastWordsMs = 5000

type Identity = { userId: string; chatId: string; runId: string }
type NewRun = { userId: string; chatId: string; model: string }
type Prepared = { task: Task; attached: Attached }

export class Runner {
  readonly #lanes = new Lanes()
  readonly #recorder: Recorder
  #agent: Promise<Agent> | null = null
  #stopping = false

  /** @param openAgent loads the agent, with the first message */
  constructor(
    private readonly store: RunStore,
    private readonly openAgent: () => Promise<Agent>,
    private readonly config: Pick<Config, 'AGENT_MAX_RUNS' | 'AGENT_CONTEXT_TOKENS'>,
    private readonly now: () => number = Date.now,
  ) {
    this.#recorder = new Recorder(entries => store.record(entries))
  }

  /** Resolves when the run and its message are on disk; it goes on by itself. */
  async start(
    identity: NewRun,
    order: Order,
    { onConflict = 'reject', key = null }: { onConflict?: OnConflict; key?: IdempotencyKey | null },
  ): Promise<Run> {
    // Nothing is awaited before the run has its place, so that of many at once no more get one.
    this.#refuseTooMany(identity.userId)
    const run = new Run(identity)
    const queued = Promise.withResolvers<void>()
    const begin = () =>
      void queued.promise.then(
        () => this.#beginQueued(run, order),
        () => this.#lanes.leave(run),
      )
    if (this.#lanes.enter(run, onConflict, begin) === 'now') {
      await this.#begin(run, order, key)
      return run
    }
    try {
      known(await this.store.queueRun(this.#startOf(run, key), order))
      queued.resolve()
    } catch (error) {
      queued.promise.catch(() => {})
      queued.reject(error)
      this.#lanes.withdraw(run)
      throw error
    }
    return run
  }

  /** The run, if it has not ended. */
  live(userId: string, chatId: string, runId: string): Run | null {
    return this.#lanes.of(userId, chatId).find(({ id }) => id === runId) ?? null
  }

  /** The run that answers in the chat. */
  answering(userId: string, chatId: string): Run | null {
    return this.#lanes.current(userId, chatId)
  }

  /** Throws run_not_found. */
  async find({ userId, chatId, runId }: Identity): Promise<KeptRun> {
    const kept = await this.store.run(chatId, runId, userId)
    if (!kept) throw new AppError('run_not_found')
    if (kept.status !== 'running' || this.live(userId, chatId, runId)) return kept
    // Its end could not be kept, the disk being full perhaps.
    const context = known(await this.store.context(chatId, userId, { kind: 'next' }, 0))
    if (context.open?.runId === runId) await this.#settle(context.open, 'run_interrupted')
    return (await this.store.run(chatId, runId, userId)) ?? kept
  }

  async cancel(userId: string, chatId: string, runId: string): Promise<void> {
    const live = this.live(userId, chatId, runId)
    if (live) return this.#cancelLive(live)
    const kept = await this.find({ userId, chatId, runId })
    if (kept.status !== 'waiting') return
    // So that nobody answers what it waits for meanwhile; a message that came first ends it as well.
    const run = Run.again(kept)
    this.#lanes.enter(run, 'reject')
    await this.#settle(kept, 'run_cancelled').finally(() => this.#lanes.leave(run))
  }

  async cancelAll(userId: string, chatId: string): Promise<void> {
    const runs = this.#lanes.of(userId, chatId).reverse()
    await Promise.all(runs.map(run => this.#cancelLive(run)))
  }

  async #cancelLive(run: Run): Promise<void> {
    const cancelled = new AppError('run_cancelled')
    run.abort(cancelled)
    if (this.#lanes.withdraw(run)) await this.#close(run, null, cancelled)
    await run.ended
  }

  /** Notes the answers of calls that a run waits for, and lets it go on with the last of them. */
  async goOn(identity: Identity, answers: Array<{ id: string; answer: CallAnswer }>): Promise<Run> {
    const waiting = await this.find(identity)
    this.#refuseTooMany(identity.userId)
    const run = Run.again(waiting)
    this.#lanes.enter(run, 'reject')
    try {
      const { complete, run: kept } = known(await this.store.answerCalls(identity, answers))
      if (complete) {
        const { messageId, paused } = kept
        const at = { kind: 'again' as const, messageId: messageId! }
        const order = { message: null, at, clientTools: paused!.clientTools }
        const { task } = await this.#prepare(run, order, paused)
        void this.#carryOut(run, task, Promise.resolve())
        return run
      }
    } catch (error) {
      this.#lanes.leave(run)
      throw error
    }
    this.#lanes.leave(run)
    return Run.of(waiting)
  }

  /** Loads the agent, so that the first message need not wait for it. */
  warm(): Promise<Agent> {
    this.#agent ??= this.openAgent()
    return this.#agent
  }

  /** For the start: ends what a crash has left open; what was on record of it stays. */
  async settleInterrupted(): Promise<void> {
    const runs = await this.store.interruptedRuns()
    await Promise.all(runs.map(run => this.#settle(run, 'run_interrupted')))
    if (runs.length > 0) log.warn('{n} answers were cut off when the server ended', { n: runs.length })
  }

  /** Refuses new messages, lets running answers end, and breaks off those that take longer; what they said is kept. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true
    // They are on disk, and closed at the next start.
    for (const run of this.#lanes.queued) {
      this.#lanes.withdraw(run)
      run.end({ type: 'RUN_ERROR', failure: interrupted().failure })
    }
    const running = this.#lanes.running
    const ended = Promise.all(running.map(run => run.ended))
    await Promise.race([ended, Bun.sleep(deadlineMs)])
    for (const run of running) run.abort(interrupted())
    await Promise.race([ended, Bun.sleep(lastWordsMs)])
  }

  #refuseTooMany(userId: string): void {
    if (this.#stopping) throw new AppError('stopping', { retryAfter: restartSeconds })
    const max = this.config.AGENT_MAX_RUNS
    if (this.#lanes.count(userId) >= max)
      throw new AppError('too_many_runs', { params: { max }, retryAfter: nextRunSeconds })
  }

  async #begin(run: Run, order: Order, key: IdempotencyKey | null): Promise<void> {
    let prepared: Prepared
    try {
      prepared = await this.#prepare(run, order)
    } catch (error) {
      this.#lanes.leave(run)
      throw error
    }
    // The model is asked while the disk writes; nobody hears of it before the message is kept.
    const recorded = this.store.beginRun(this.#startOf(run, key), prepared.attached).then(known)
    void this.#carryOut(run, prepared.task, recorded)
    await recorded.catch(async error => {
      await run.ended
      throw error
    })
  }

  /** Its turn has come, and nobody waits to hear why it fails. */
  async #beginQueued(run: Run, order: Order): Promise<void> {
    try {
      if (run.signal.aborted) throw run.signal.reason
      const { task, attached } = await this.#prepare(run, order)
      const recorded = this.store.beginRun(this.#startOf(run, null), attached).then(known)
      await this.#carryOut(run, task, recorded)
    } catch (error) {
      await this.#close(run, null, this.#failureOf(run, error))
    }
  }

  /** Finds out what the model gets to see. A run that is open without anybody carrying it out is settled first. */
  async #prepare(run: Run, order: Order, paused: Paused | null = null): Promise<Prepared> {
    const { chatId, userId } = run
    const said = order.message?.message
    const budget =
      this.config.AGENT_CONTEXT_TOKENS * bytesPerToken - Buffer.byteLength(JSON.stringify(said ?? ''))
    let context: Context = known(await this.store.context(chatId, userId, order.at, budget))
    if (context.open && context.open.runId !== run.id) {
      const { open } = context
      await this.#settle(open, open.status === 'waiting' ? 'run_cancelled' : 'run_interrupted')
      context = known(await this.store.context(chatId, userId, order.at, budget))
    }
    const { messages, parentId, asked } = context
    const message = (order.message ?? asked)!
    return {
      task: { context: contextOf(messages, message.message), clientTools: order.clientTools, paused },
      attached: { messageId: message.id, message: order.message, parentId },
    }
  }

  /** Never rejects. The end is told when it is kept, and when the next message may come. */
  async #carryOut(run: Run, task: Task, recorded: Promise<unknown>): Promise<void> {
    recorded.catch(error => run.abort(error))
    run.transcript.append({ type: 'RUN_STARTED' })
    this.#recorder.begin(run)
    let paused: Paused | null = null
    let failure: AppError | null = null
    try {
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
      await this.#keep(run, ending, paused)
    } catch (error) {
      ending = endingOf(null, this.#failureOf(run, error))
    }
    this.#recorder.end(run)
    this.#lanes.leave(run)
    run.end(ending)
  }

  #keep({ id: runId, chatId, userId, transcript, usage }: Run, ending: RunEnding, paused: Paused | null) {
    const held = ending.type === 'RUN_PAUSED' ? ending.calls.map(({ toolCallId }) => toolCallId) : []
    const errorCode = ending.type === 'RUN_ERROR' ? ending.failure.code : null
    return this.store.endRun({
      runId,
      chatId,
      userId,
      status: paused ? 'waiting' : statusAfter(errorCode),
      errorCode,
      answer: answerOf(transcript.events, held),
      events: [...transcript.events, ending],
      usage,
      paused,
      now: this.now(),
    })
  }

  /** Closes a run that nobody carries out, and whose message, where it stood in line, has not been kept. */
  async #settle(kept: KeptRun, code: 'run_cancelled' | 'run_interrupted'): Promise<void> {
    const failure = new AppError(code)
    const run = Run.again(kept)
    for (const event of closingsOf(kept, failure.failure)) run.transcript.append(event)
    if (kept.order) {
      const { attached } = await this.#prepare(run, kept.order)
      known(await this.store.beginRun(this.#startOf(run, null), attached))
    }
    await this.#keep(run, { type: 'RUN_ERROR', failure: failure.failure }, null)
  }

  #startOf({ id, chatId, userId, answerId, model }: Run, key: IdempotencyKey | null): RunStart {
    return { runId: id, chatId, userId, answerId, model, key, now: this.now() }
  }

  #failureOf(run: Run, error: unknown): AppError {
    const known = error instanceof AppError
    const failure = known ? error : new AppError('internal_error', { params: { id: run.id }, cause: error })
    const cause = failure.options.cause === undefined ? '' : ` (${reason(failure.options.cause)})`
    const line = { id: run.id, code: failure.code, cause }
    if (failure.code === 'run_cancelled') log.debug('the run {id} was cancelled', line)
    else if (known) log.warn('the run {id} failed: {code}{cause}', line)
    else log.error('the run {id} failed: {code}{cause}', line)
    return failure
  }
}

const interrupted = () => new AppError('run_interrupted', { retryAfter: restartSeconds })

const endingOf = (paused: Paused | null, failure: AppError | null): RunEnding => {
  if (failure) return { type: 'RUN_ERROR', failure: failure.failure }
  if (!paused) return { type: 'RUN_FINISHED' }
  const calls = paused.calls.map(({ id, toolCallId, toolName, waitsFor }) => ({
    id,
    toolCallId,
    toolName,
    waitsFor,
  }))
  return { type: 'RUN_PAUSED', calls }
}

const statusAfter = (errorCode: ErrorCode | null) =>
  errorCode === null ? 'finished' : errorCode === 'run_cancelled' ? 'cancelled' : 'failed'

/** What a store says in a word, as a failure. */
function known<T>(said: T): Exclude<T, StoreRefusal> {
  if (refusals.includes(said as StoreRefusal)) throw new AppError(said as StoreRefusal)
  return said as Exclude<T, StoreRefusal>
}

const refusals = [
  'chat_not_found',
  'message_not_found',
  'message_id_taken',
  'run_not_found',
  'call_not_found',
  'call_answered',
] as const satisfies ErrorCode[]
type StoreRefusal = (typeof refusals)[number]
