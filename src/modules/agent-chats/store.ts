import type { ModelMessage } from 'ai'
import type { ErrorCode } from '../../errors.ts'

/** A message of a chat, in the form that goes to the model. */
export type KeptMessage = { id: string; message: ModelMessage }

export type RunStart = { runId: string; chatId: string; userId: string; message: KeptMessage; now: number }

/** What a run came to: whatever was said, and the code of its failure, if it failed. */
export type RunEnd = {
  runId: string
  chatId: string
  errorCode: ErrorCode | null
  answer: KeptMessage[]
  now: number
}

/** Chats, their runs and messages. Every method is one atomic step, on disk when it resolves. */
export interface AgentChatStore {
  /**
   * The chat's newest messages that fit into so many bytes, oldest first: none where the chat is unknown, and
   * 'chat_not_found' where it is another's.
   */
  history(chatId: string, userId: string, bytes: number): Promise<ModelMessage[] | 'chat_not_found'>
  /** Records the run and its message; an unknown chat begins. Of another's chat nothing is changed. */
  beginRun(run: RunStart): Promise<'begun' | 'chat_not_found'>
  /** Appends the answer and closes the run. Of a chat that is gone nothing is kept. */
  endRun(end: RunEnd): Promise<void>
  /** Closes, as run_interrupted, the runs that a crash left open. */
  failInterruptedRuns(now: number): Promise<void>
}
