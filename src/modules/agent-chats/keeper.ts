/** What is kept of runs: how they begin, what they came to, and how one ends that nobody carries out any more. */
import type { Config } from '../../config.ts'
import { AppError, type ErrorCode } from '../../errors.ts'
import { dayOf } from '../usage/tokens.ts'
import type { Task } from './agent.ts'
import { answerOf } from './answer.ts'
import type { Attachment, AttachmentPart } from './attachments/attachment.ts'
import { attachmentRoom, saying } from './attachments/said.ts'
import type { RunEnding } from './events.ts'
import { contextBytes, textOf } from './history.ts'
import { estimatedUsage } from './model-usage.ts'
import type { Prompts } from './prompts.ts'
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
  RunState,
  RunStore,
  UserMessage,
} from './store.ts'
import { beginningOf } from './titles.ts'
import { closingsOf } from './unfinished.ts'

export type ChatName = { userId: string; chatId: string }
export type RunName = ChatName & { runId: string }

/** What comes with a message. */
export type Coming = { key: IdempotencyKey | null; attachments: Attachment[] }

/** What an answer is made from, and where it hangs. */
export type Prepared = { task: Task; attached: Attached }

export class RunKeeper {
  constructor(
    private readonly store: RunStore,
    private readonly prompts: Prompts,
    private readonly config: Pick<Config, 'AGENT_CONTEXT_TOKENS' | 'AGENT_ATTACHMENTS_MIB'>,
    private readonly now: () => number,
  ) {}

  /** How the run stands. Throws run_not_found. */
  async state({ userId, chatId, runId }: RunName): Promise<RunState> {
    return found(await this.store.state(chatId, runId, userId))
  }

  /** The run with all its events. Throws run_not_found. */
  async find({ userId, chatId, runId }: RunName): Promise<KeptRun> {
    return found(await this.store.run(chatId, runId, userId))
  }

  /** The run of the chat that waits for somebody. Throws chat_not_found. */
  async waiting(userId: string, chatId: string): Promise<KeptRun | null> {
    const { open } = known(await this.store.context(chatId, userId, { kind: 'next' }, 0))
    return open?.status === 'waiting' ? open : null
  }

  /**
   * Finds out what the model gets to see. A run that is open without anybody carrying it out is settled first.
   * @param attachments of the message, if they are not kept yet
   */
  async prepare(
    run: Run,
    order: Order,
    { paused = null, attachments = [] }: { paused?: Paused | null; attachments?: Attachment[] } = {},
  ): Promise<Prepared> {
    const { at, instructions, clientTools } = order
    const found = await this.#contextOf(run, order, attachments)
    const message = order.message && withAttachments(order.message, found.replaced)
    const { id: messageId, message: asked } = (message ?? found.asked)!
    const context = await this.prompts.of(run, found.messages, asked, attachments)
    return {
      task: { context, instructions, clientTools, paused },
      attached: {
        messageId,
        message,
        parentId: found.parentId,
        title: titleFor(asked, at),
      },
    }
  }

  async #contextOf(run: Run, order: Order, attachments: Attachment[]): Promise<Context> {
    const { id, chatId, userId } = run
    const context = () => this.store.context(chatId, userId, order.at, contextBytes(this.config)).then(known)
    const { open, ...found } = await context()
    if (!open || open.runId === id) return { open, ...found }
    // What is refused ends nobody's wait.
    await this.check(run, order, { key: null, attachments })
    await this.settle(open, open.status === 'waiting' ? 'run_cancelled' : 'run_interrupted')
    return context()
  }

  /** Throws what would keep the run from its beginning, as things are. */
  async check(run: Run, order: Order, { key, attachments }: Coming): Promise<void> {
    known(await this.store.refusal(this.#startOf(run, key, attachments), order))
  }

  /** Puts the run in line, on disk. */
  async queue(run: Run, order: Order, { key, attachments }: Coming): Promise<void> {
    known(await this.store.queueRun(this.#startOf(run, key, attachments), order))
  }

  async begin(
    run: Run,
    attached: Attached,
    { key, attachments }: Coming = { key: null, attachments: [] },
  ): Promise<void> {
    known(await this.store.beginRun(this.#startOf(run, key, attachments), attached))
  }

  /** Null while other calls wait for their answers. */
  async answerCalls(
    name: RunName,
    answers: Array<{ id: string; answer: CallAnswer }>,
  ): Promise<KeptRun | null> {
    const { complete, run } = known(await this.store.answerCalls(name, answers))
    return complete ? run : null
  }

  /** Keeps what the run came to, its ending included, which nobody has been told yet. */
  end(run: Run, ending: RunEnding, paused: Paused | null = null): Promise<void> {
    const { id: runId, chatId, userId, transcript, usage, spent } = run
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
      spent,
      paused,
      now: this.now(),
    })
  }

  /** For the start: ends what a crash has left open; what was on record of it stays. How many there were. */
  async settleInterrupted(): Promise<number> {
    const runs = await this.store.interruptedRuns()
    const byChat = Map.groupBy(runs, ({ chatId }) => chatId)
    await Promise.all([...byChat.values()].map(runs => this.#settleInTurn(runs)))
    return runs.length
  }

  /** Of one chat: each message in line hangs below what came before it. */
  async #settleInTurn(runs: KeptRun[]): Promise<void> {
    for (const run of runs) await this.settle(run, 'run_interrupted')
  }

  /** Ends a run whose end could not be kept, the disk having been full perhaps. */
  async settleLeft(name: RunName): Promise<void> {
    await this.settle(await this.find(name), 'run_interrupted')
  }

  /** Ends what the chat has open while nobody carries it out. */
  async settleOpen({ userId, chatId }: ChatName, code: 'run_cancelled' | 'run_interrupted'): Promise<void> {
    const { open } = known(await this.store.context(chatId, userId, { kind: 'next' }, 0))
    if (open) await this.settle(open, code)
  }

  /** Ends a run that nobody carries out. Of one in line the message is kept first. */
  async settle(kept: KeptRun, code: 'run_cancelled' | 'run_interrupted'): Promise<void> {
    const run = Run.again(kept)
    if (kept.status === 'running') await this.#estimate(run, kept)
    const refusal = kept.order && (await this.#beginLate(run, kept.order))
    const { failure } = refusal ?? new AppError(code)
    for (const event of closingsOf(kept, failure)) run.transcript.append(event)
    await this.end(run, { type: 'RUN_ERROR', failure })
  }

  /** Why the message could not be kept, if what it was to hang below is not there, say. */
  async #beginLate(run: Run, order: Order): Promise<AppError | null> {
    try {
      await this.begin(run, (await this.prepare(run, order)).attached)
      return null
    } catch (error) {
      if (error instanceof AppError && refusals.includes(error.code as Refusal)) return error
      throw error
    }
  }

  /** What a run took whose calls nobody counts any more: at least what it was asked once, and what it said. */
  async #estimate(run: Run, { chatId, userId, messageId, events }: KeptRun): Promise<void> {
    const at = { kind: 'again' as const, messageId }
    const context = await this.store.context(chatId, userId, at, contextBytes(this.config))
    const asked =
      typeof context === 'string' ? [] : await this.prompts.of(run, context.messages, context.asked!.message)
    const said = events.slice(events.findLastIndex(({ type }) => type === 'RUN_STARTED'))
    run.spend(estimatedUsage(asked, said), dayOf(this.now()))
  }

  #startOf(
    { id, chatId, userId, answerId, model }: Run,
    key: IdempotencyKey | null,
    attachments: Attachment[],
  ): RunStart {
    return {
      ...{ runId: id, chatId, userId, answerId, model, key },
      ...{ attachments, attachmentRoom: attachmentRoom(this.config) },
      now: this.now(),
    }
  }
}

/** An edited message that names no attachments keeps those it had. */
function withAttachments(
  { id, message }: NonNullable<Order['message']>,
  kept: AttachmentPart[],
): NonNullable<Order['message']> {
  if (kept.length === 0) return { id, message }
  return { id, message: saying(textOf(message), kept) }
}

function found<T>(run: T | null): T {
  if (run === null) throw new AppError('run_not_found')
  return run
}

/** A conversation that the client keeps is a call to it, and costs no other. */
function titleFor(message: UserMessage, at: Order['at']): Attached['title'] {
  const text = beginningOf(textOf(message))
  return text === null ? null : { text, isForNow: at.kind !== 'below' }
}

const statusAfter = (errorCode: ErrorCode | null) =>
  errorCode === null ? 'finished' : errorCode === 'run_cancelled' ? 'cancelled' : 'failed'

const refusals = [
  'chat_not_found',
  'message_not_found',
  'message_id_taken',
  'attachment_space_full',
  'run_not_found',
  'call_not_found',
  'call_answered',
] as const satisfies ErrorCode[]
type Refusal = (typeof refusals)[number]

/** What a store says in a word, as a failure. */
function known<T>(said: T): Exclude<T, Refusal> {
  if (refusals.includes(said as Refusal)) throw new AppError(said as Refusal)
  return said as Exclude<T, Refusal>
}
