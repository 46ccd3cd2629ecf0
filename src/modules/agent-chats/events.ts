import type { Failure } from '../../errors.ts'

/** What happens in a run, by the names of the AG-UI protocol. `text` is a piece of what a message or call says. */
export type RunEvent =
  | { type: 'RUN_STARTED' }
  | { type: 'TEXT_MESSAGE_START' | 'TEXT_MESSAGE_END'; messageId: string }
  | { type: ReasoningBracket; messageId: string }
  | Piece
  | { type: 'TOOL_CALL_START'; messageId: string; toolCallId: string; toolName: string }
  | { type: 'TOOL_CALL_END'; toolCallId: string }
  | ToolCallResult
  | RunEnding

/** How a run ends, or, waiting for somebody, ends for now. */
export type RunEnding =
  | { type: 'RUN_FINISHED' }
  | { type: 'RUN_PAUSED'; calls: HeldCall[] }
  | { type: 'RUN_ERROR'; failure: Failure }

type ReasoningBracket =
  | 'REASONING_START'
  | 'REASONING_MESSAGE_START'
  | 'REASONING_MESSAGE_END'
  | 'REASONING_END'

/** Part of a whole that arrives bit by bit; `of` is the message or tool call. */
export type Piece = {
  type: 'TEXT_MESSAGE_CONTENT' | 'REASONING_MESSAGE_CONTENT' | 'TOOL_CALL_ARGS'
  of: string
  text: string
}

/** Either a result, as the model gets it, or a failure. */
export type ToolCallResult = {
  type: 'TOOL_CALL_RESULT'
  messageId: string
  toolCallId: string
  toolName: string
  result: string | null
  failure: Failure | null
}

/** A call that waits: for the person's approval, or for the result of a tool that the client has. */
export type HeldCall = { id: string; toolCallId: string; toolName: string; waitsFor: 'approval' | 'client' }

export const isPiece = (event: RunEvent): event is Piece => 'of' in event

export const isEnding = (event: RunEvent): event is RunEnding =>
  event.type === 'RUN_FINISHED' || event.type === 'RUN_PAUSED' || event.type === 'RUN_ERROR'
