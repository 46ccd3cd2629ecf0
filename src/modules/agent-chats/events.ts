import type { AppError } from '../../errors.ts'

/** What happens in a run, by the names of the AG-UI protocol. `text` is a piece of what a message or call says. */
export type RunEvent =
  | { type: 'RUN_STARTED' | 'RUN_FINISHED' }
  | { type: 'TEXT_MESSAGE_START' | 'TEXT_MESSAGE_END'; messageId: string }
  | { type: ReasoningBracket; messageId: string }
  | Piece
  | { type: 'TOOL_CALL_START'; messageId: string; toolCallId: string; toolName: string }
  | { type: 'TOOL_CALL_END'; toolCallId: string }
  | ToolCallResult
  | { type: 'RUN_ERROR'; failure: AppError }

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
  failure: AppError | null
}

export const isPiece = (event: RunEvent): event is Piece => 'of' in event
