import type { ModelMessage } from 'ai'
import type { ErrorCode } from '../../errors.ts'

/** A message of a chat, in the form that goes to the model. */
export type KeptMessage = { id: string; message: ModelMessage }

export type RunStart = { runId: string; chatId: string; userId: string; message: KeptMessage; now: number }

/** What a run came to: whatever was said, and the code of its failure, if it failed. */
export type RunEnd = { runId: string; errorCode: ErrorCode | null; answer: KeptMessage[]; now: number }

/** Chats, their runs and messages. Every method is one atomic step, on disk when it resolves. */
export interface AgentChatStore {
  /**
   * Records the run and its message, before anything is answered; an unknown chat begins. Resolves with the
   * chat's newest messages before this one that fit into `historyBytes`, oldest first, or 'chat_not_found',
   * changing nothing, where the chat is another's.
   */
  beginRun(run: RunStart, historyBytes: number): Promise<ModelMessage[] | 'chat_not_found'>
  /** Appends the answer and closes the run. Of a chat that is gone nothing is kept. */
  endRun(end: RunEnd): Promise<void>
  /** Closes, as run_interrupted, the runs that a crash left open. */
  failInterruptedRuns(now: number): Promise<void>
}
