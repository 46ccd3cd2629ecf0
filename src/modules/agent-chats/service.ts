/** The agent's chats: messages come in, runs answer them, whoever is there can follow, stop or approve. */
import type { Config } from '../../config.ts'
import { AppError } from '../../errors.ts'
import { type Attachment, type AttachmentPart, isImage, isNew } from './attachments/attachment.ts'
import { saying } from './attachments/said.ts'
import { contextBytes, contextBytesOf } from './history.ts'
import { IdempotentStarts } from './idempotency.ts'
import type { OnConflict } from './lanes.ts'
import type { ModelChoice } from './model-choice.ts'
import { Run } from './run.ts'
import type { Runner } from './runner.ts'
import type {
  CallAnswer,
  ClientTool,
  IdempotencyKey,
  KeptMessage,
  KeptRun,
  Order,
  Place,
  RunState,
  RunStore,
} from './store.ts'
import type { ChatIdOf } from './wires/chat-id.ts'

export type Message = {
  /** A new chat where it is absent. */
  chatId?: string | null
  /** What the user says; absent where `at` has a message answered again. */
  content?: string
  /** Those that are there already too, of the message that this one comes instead of. */
  attachments?: Array<Attachment | AttachmentPart>
  /** The message's id, where the client has given it one. */
  messageId?: string
  at?: Place
  /** One of `models`; the default where it is absent. */
  model?: string | null
  onConflict?: OnConflict
  /** Of the client, beside the operator's. */
  instructions?: string
  clientTools?: ClientTool[]
  key?: IdempotencyKey | null
}

export class AgentChats {
  readonly #starts: IdempotentStarts

  constructor(
    private readonly store: RunStore,
    private readonly runner: Runner,
    readonly models: ModelChoice,
    private readonly config: Pick<Config, 'AGENT_CONTEXT_TOKENS'>,
    /** The chat that a client's own name stands for. */
    readonly idOf: ChatIdOf,
    now: () => number = Date.now,
  ) {
    this.#starts = new IdempotentStarts(store, now)
  }

  /**
   * Takes a message, into a new chat where none is named; resolves when it is on disk. The run goes on by
   * itself to its end, which is kept before it is told. With a key that was used before, it is the run of that
   * time. Throws stopping, too_many_runs, run_in_progress, chat_not_found, message_not_found, message_id_taken,
   * idempotency_key_reused, model_not_available, images_not_supported, attachment_too_long, token_budget_spent,
   * storage_unavailable.
   */
  async send(userId: string, message: Message): Promise<Run> {
    const { key = null, onConflict = 'reject', attachments = [] } = message
    return this.#starts.once(
      userId,
      key,
      async () => {
        const run = this.#newRun(userId, message)
        this.#refuseUnreadable(attachments, message.content ?? '', run.model)
        const coming = { key, onConflict, attachments: attachments.filter(isNew) }
        return this.runner.start(run, orderOf(message), coming)
      },
      ({ chatId, runId }) => this.follow(userId, chatId, runId),
    )
  }

  /** Throws what `send` would throw at once. */
  admit(
    userId: string,
    { model, content = '', attachments = [] }: Pick<Message, 'model' | 'content' | 'attachments'>,
  ): void {
    this.#refuseUnreadable(attachments, content, this.models.named(model))
    this.runner.admit(userId)
  }

  /** Answers a message again, the newest where none is named; the answer that is there stays as a sibling. */
  async regenerate(
    userId: string,
    chatId: string,
    {
      messageId,
      ...rest
    }: { messageId?: string | null } & Pick<Message, 'onConflict' | 'key' | 'model' | 'clientTools'>,
  ): Promise<Run> {
    return this.send(userId, { ...rest, chatId, at: { kind: 'again', messageId: messageId ?? null } })
  }

  #newRun(userId: string, { chatId, model }: Message) {
    return {
      chatId: chatId?.toLowerCase() ?? Bun.randomUUIDv7(),
      userId,
      model: this.models.named(model),
    }
  }

  /** What the model could not be shown is not taken. */
  #refuseUnreadable(attachments: Array<Attachment | AttachmentPart>, text: string, model: string): void {
    let left = contextBytes(this.config) - Buffer.byteLength(text)
    for (const attachment of attachments) {
      const pointer = isNew(attachment) ? attachment.pointer : undefined
      if (isImage(attachment) && !this.models.takesImages(model))
        throw new AppError('images_not_supported', { pointer, params: { model } })
      left -= contextBytesOf(attachment)
      if (left < 0) throw new AppError('attachment_too_long', { pointer })
    }
  }

  /** The run, to be read from its beginning, or any place, to its end. Throws run_not_found. */
  async follow(userId: string, chatId: string, runId: string): Promise<Run> {
    return (
      this.runner.live(userId, chatId, runId) ?? Run.of(await this.runner.find({ userId, chatId, runId }))
    )
  }

  /** How the run stands. Throws run_not_found. */
  async run(userId: string, chatId: string, runId: string): Promise<RunState> {
    return this.runner.state({ userId, chatId, runId })
  }

  /** The run of the chat that waits for an approval or a client's tool, if one does. */
  waiting(userId: string, chatId: string): Promise<KeptRun | null> {
    return this.runner.waiting(userId, chatId)
  }

  /** The newest run of the chat, or of those that answer the message, if there is one. Throws chat_not_found. */
  async newest(userId: string, chatId: string, messageId?: string): Promise<KeptRun | null> {
    const run = await this.store.newestRun(chatId, userId, messageId)
    if (run === 'chat_not_found') throw new AppError(run)
    return run
  }

  /** What answers in the chat now, if anything does. */
  answering(userId: string, chatId: string): Run | null {
    return this.runner.answering(userId, chatId)
  }

  /**
   * The message of the user that stands in the chat now where this one of theirs stood, as it may have been
   * edited since; null where it is unknown.
   */
  standing(userId: string, chatId: string, messageId: string): Promise<KeptMessage | null> {
    return this.store.standing(chatId, userId, messageId)
  }

  /** Ends the run, however it stands; what it said stays. Resolves when that is kept. Throws run_not_found. */
  async cancel(userId: string, chatId: string, runId: string): Promise<RunState> {
    await this.runner.cancel({ userId, chatId, runId })
    return this.run(userId, chatId, runId)
  }

  /** Ends all that runs, waits or stands in line in the chat, which is about to go. */
  async cancelAll(userId: string, chatId: string): Promise<void> {
    await this.runner.cancelAll({ userId, chatId })
  }

  /**
   * Takes a step while nothing runs in the chat and nothing begins to. Where something does it throws
   * run_in_progress, or ends that first.
   */
  alone<T>(
    userId: string,
    chatId: string,
    onConflict: 'reject' | 'interrupt',
    step: () => Promise<T>,
  ): Promise<T> {
    return this.runner.alone({ userId, chatId }, onConflict, step)
  }

  /** Ends all that runs, waits or stands in line in the chat; what was said stays. Throws chat_not_found. */
  async stop(userId: string, chatId: string): Promise<void> {
    await this.cancelAll(userId, chatId)
    const waiting = await this.waiting(userId, chatId)
    if (waiting) await this.cancel(userId, chatId, waiting.runId)
  }

  /**
   * Answers calls that the run waits for, each once. With the last of them it goes on: what comes is read from
   * `legStart`. Throws run_not_found, call_not_found, call_answered, and what `send` throws.
   */
  answerCalls(
    userId: string,
    chatId: string,
    runId: string,
    answers: Array<{ id: string; answer: CallAnswer }>,
  ): Promise<Run> {
    return this.runner.goOn({ userId, chatId, runId }, answers)
  }
}

const orderOf = ({
  content,
  attachments = [],
  messageId,
  at,
  instructions,
  clientTools,
}: Message): Order => ({
  message:
    content === undefined
      ? null
      : { id: messageId ?? Bun.randomUUIDv7(), message: saying(content, attachments) },
  at: at ?? { kind: 'next' },
  instructions: instructions ?? '',
  clientTools: clientTools ?? [],
})
