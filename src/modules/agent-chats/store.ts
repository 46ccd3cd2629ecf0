import type { ModelMessage, TextPart } from 'ai'
import type { ErrorCode } from '../../errors.ts'
import type { Spent, Usage } from '../usage/tokens.ts'
import type { Attachment, AttachmentPart } from './attachments/attachment.ts'
import type { HeldCall, RunEvent } from './events.ts'
import type { RecordEntry } from './recorder.ts'
import type { RunStatus } from './run.ts'

/** What a user says; of attachments it holds no more than what they are. */
export type UserMessage = { role: 'user'; content: string | Array<TextPart | AttachmentPart> }
/** A message of a chat: as it goes to the model, or thoughts, which later runs are not shown. */
export type ChatMessage =
  | UserMessage
  | Exclude<ModelMessage, { role: 'user' }>
  | { role: 'reasoning'; content: string }
export type KeptMessage = { id: string; message: ChatMessage }

/**
 * Where in a chat a run answers: after its newest message, or below a certain one; instead of an earlier message of the user, which
 * stays as a sibling; or once more to the message that `messageId`, it or one of its answer, belongs to, or to
 * the newest.
 */
export type Place =
  | { kind: 'next' }
  | { kind: 'below'; messageId: string | null }
  | { kind: 'edit'; messageId: string; keepsAttachments?: boolean }
  | { kind: 'again'; messageId: string | null }

/** A tool that the client has, and runs itself: its name, what it does, and the JSON Schema of its arguments. */
export type ClientTool = { name: string; description: string; parameters: Record<string, unknown> }

/** What a run is asked. */
export type Order = {
  /** The user's; null where one that is there is answered again. */
  message: { id: string; message: UserMessage } | null
  at: Place
  /** Of the client, beside the operator's. */
  instructions: string
  clientTools: ClientTool[]
}

export type IdempotencyKey = { key: string; fingerprint: string }

type Identity = { runId: string; chatId: string; userId: string }

export type RunStart = Identity & {
  answerId: string
  model: string
  key: IdempotencyKey | null
  /** Of the message, if they are not kept yet. */
  attachments: Attachment[]
  /** Bytes that all of the user's may take. */
  attachmentRoom: number
  now: number
}

/** Where the run hangs in the tree of messages. */
export type Attached = {
  /** The message answered; it is appended below `parentId` where it is new. */
  messageId: string
  message: KeptMessage | null
  parentId: string | null
  /** For the chat, where it has none; for now, where the model may still give it one. */
  title: { text: string; isForNow: boolean } | null
}

/** What a run needs to go on after its wait. */
export type Paused = {
  /** Model calls made. */
  step: number
  /** What its calls and tools have said since the message answered. */
  said: ModelMessage[]
  calls: PausedCall[]
  instructions: string
  clientTools: ClientTool[]
}

export type PausedCall = HeldCall & { input: unknown; answer: CallAnswer | null }

/** Of the person, or of the client whose tool it is. */
export type CallAnswer = { approved: boolean; reason?: string } | { result: string; failed: boolean }

/** What a leg of a run came to: whatever was said, and the code of its failure, if it failed. */
export type RunEnd = Identity & {
  status: Exclude<RunStatus, 'queued' | 'running'>
  errorCode: ErrorCode | null
  /** All messages of the answer so far; those that are kept already stay. */
  answer: KeptMessage[]
  events: RunEvent[]
  /** Of this leg, in all and by day. */
  usage: Usage
  spent: Spent[]
  paused: Paused | null
  now: number
}

/** How a run stands. */
export type RunState = Identity & {
  /** Null in runs of the first versions, as the model is. */
  answerId: string | null
  messageId: string | null
  model: string | null
  status: RunStatus
  errorCode: ErrorCode | null
  startedAt: number
  endedAt: number | null
  usage: Usage
  /** Of a queued one. */
  order: Order | null
  paused: Paused | null
}

export type KeptRun = RunState & { events: RunEvent[] }

/** The path that a run answers at the end of. */
export type Context = {
  parentId: string | null
  /** The message to answer again. */
  asked: { id: string; message: UserMessage } | null
  /** The attachments of the message to come instead of. */
  replaced: AttachmentPart[]
  /** The newest that fit, oldest first, and what each takes of the bytes. */
  messages: Array<{ message: Exclude<ChatMessage, { role: 'reasoning' }>; bytes: number }>
  /** A run of the chat that has not ended: it waits, or nobody carries it out any more. */
  open: KeptRun | null
}

/** Runs and what they say. Every method is one atomic step, on disk when it resolves. */
export interface RunStore {
  /** Of an unknown chat there is nothing; of another's, 'chat_not_found'. */
  context(
    chatId: string,
    userId: string,
    at: Place,
    bytes: number,
  ): Promise<Context | 'chat_not_found' | 'message_not_found'>
  /**
   * The message of the user that stands on the chat's present path where this one of theirs stood, or this one
   * where none does; null where there is no such message.
   */
  standing(chatId: string, userId: string, messageId: string): Promise<KeptMessage | null>
  /** Why the run could not begin now, if it could not. */
  refusal(
    start: RunStart,
    order: Order,
  ): Promise<'chat_not_found' | 'message_not_found' | 'message_id_taken' | 'attachment_space_full' | null>
  /** Records a run that will begin later; an unknown chat begins. The ids of what is still to come are taken too. */
  queueRun(
    start: RunStart,
    order: Order,
  ): Promise<'queued' | 'chat_not_found' | 'message_id_taken' | 'attachment_space_full'>
  /** Records the run and its message; an unknown chat begins. Of another's chat nothing is changed. */
  beginRun(
    start: RunStart,
    attached: Attached,
  ): Promise<'begun' | 'chat_not_found' | 'message_id_taken' | 'attachment_space_full'>
  /** Puts what was said on record at once, not waiting for the disk. False where it has to be tried again. */
  record(entries: RecordEntry[]): boolean
  /**
   * Appends the answer, and closes the run or lets it wait; of one that has ended, nothing changes. Of a chat that
   * is gone nothing is kept but what it took of its user's tokens.
   */
  endRun(end: RunEnd): Promise<void>
  /** Runs that a crash has left open, with what is on record of them. */
  interruptedRuns(): Promise<KeptRun[]>
  /** How a run of the user's stands. */
  state(chatId: string, runId: string, userId: string): Promise<RunState | null>
  /** The same, with all its events on record. */
  run(chatId: string, runId: string, userId: string): Promise<KeptRun | null>
  /** The newest run of the chat, or of those that answer the message; null where there is none. */
  newestRun(chatId: string, userId: string, messageId?: string): Promise<KeptRun | null | 'chat_not_found'>
  /** The run that was begun under the key, in the last day. */
  keyed(
    userId: string,
    key: string,
    now: number,
  ): { chatId: string; runId: string; fingerprint: string } | null
  /**
   * Notes answers of calls that a run waits for, by their ids, each once. With the last of them the run is
   * running again.
   */
  answerCalls(
    run: Identity,
    answers: Array<{ id: string; answer: CallAnswer }>,
  ): Promise<'run_not_found' | 'call_not_found' | 'call_answered' | { complete: boolean; run: KeptRun }>
}

/** A message in the tree, and what it says. */
export type PlacedText = {
  id: string
  runId: string
  role: ChatMessage['role']
  text: string
  attachments: AttachmentPart[]
}

/** The tree of a chat's messages, for conversations that are kept elsewhere too. */
export interface ConversationStore {
  /** The newest, in the order they came, each read as it is asked for; below nothing stand the first messages. */
  children(chatId: string, parentId: string | null): Iterable<PlacedText>
  /**
   * Adds a line of messages below one; an unknown chat begins. The id of the last, or
   * 'chat_not_found'; null where there is no room for their attachments.
   */
  addMessages(
    chat: Pick<RunStart, 'userId' | 'chatId' | 'attachments' | 'attachmentRoom' | 'now'>,
    parentId: string | null,
    messages: KeptMessage[],
  ): Promise<string | null>
}
