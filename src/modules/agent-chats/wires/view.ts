import { detailOf } from '../../../http/problem.ts'
import type { Locale } from '../../../texts/index.ts'
import { type HeldCall, isPiece, type Piece, type RunEvent } from '../events.ts'
import type { Run } from '../run.ts'
import type { EventView } from '../schema.ts'

const nothing = {
  run_id: null,
  message_id: null,
  delta: null,
  tool_name: null,
  result: null,
  output: null,
  error: null,
}

/** An event in the contract's shape, in the reader's language. */
export function viewOf(event: RunEvent, run: Run, locale: Locale): EventView {
  const view: EventView = { type: event.type, ...nothing, run_id: run.id }
  if (isPiece(event)) return withPiece(view, event)
  if (event.type === 'RUN_STARTED') view.session_id = run.chatId
  if (event.type === 'RUN_PAUSED') return paused(view, event.calls, run)
  if ('messageId' in event) view.message_id = event.messageId
  if ('toolCallId' in event) view.tool_call_id = event.toolCallId
  if ('toolName' in event) view.tool_name = event.toolName
  if ('result' in event) view.result = event.result
  if (event.type === 'RUN_FINISHED') view.output = run.output
  if ('failure' in event && event.failure) {
    view.error = detailOf(event.failure, locale)
    view.code = event.failure.code
  }
  return view
}

/** In AG-UI a run that waits has finished for now, by an interrupt. */
const paused = (view: EventView, calls: HeldCall[], { output }: Run): EventView => ({
  ...view,
  type: 'RUN_FINISHED',
  output,
  outcome: 'interrupt',
  interrupts: calls.map(interruptView),
})

/** A call that waits. */
export const interruptView = ({ id, toolCallId, toolName, waitsFor }: HeldCall) => ({
  id,
  tool_call_id: toolCallId,
  tool_name: toolName,
  waits_for: waitsFor,
})

function withPiece(view: EventView, { type, of, text }: Piece): EventView {
  switch (type) {
    case 'TEXT_MESSAGE_CONTENT':
      return { ...view, message_id: of, delta: text }
    case 'REASONING_MESSAGE_CONTENT':
      return { ...view, message_id: of, reasoning: text }
    case 'TOOL_CALL_ARGS':
      return { ...view, tool_call_id: of, args: text }
  }
}
