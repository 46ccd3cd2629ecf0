/** What a run that was cut off had left open. */
import type { Failure } from '../../errors.ts'
import type { RunEvent } from './events.ts'
import type { KeptRun } from './store.ts'

/** The events that close it: no message, thought or call stays open, and what it waited for will not come. */
export function closingsOf(
  { events, paused }: Pick<KeptRun, 'events' | 'paused'>,
  failure: Failure,
): RunEvent[] {
  const open = new Map<string, RunEvent[]>()
  for (const event of events) {
    if (event.type === 'TEXT_MESSAGE_START')
      open.set(event.messageId, [{ type: 'TEXT_MESSAGE_END', messageId: event.messageId }])
    if (event.type === 'REASONING_START')
      open.set(event.messageId, [
        { type: 'REASONING_MESSAGE_END', messageId: event.messageId },
        { type: 'REASONING_END', messageId: event.messageId },
      ])
    if (event.type === 'TOOL_CALL_START')
      open.set(event.toolCallId, [{ type: 'TOOL_CALL_END', toolCallId: event.toolCallId }])
    if (event.type === 'TEXT_MESSAGE_END' || event.type === 'REASONING_END') open.delete(event.messageId)
    if (event.type === 'TOOL_CALL_END') open.delete(event.toolCallId)
  }
  const wait = events.findLastIndex(({ type }) => type === 'RUN_PAUSED')
  const answered = events.slice(wait + 1).map(event => event.type === 'TOOL_CALL_RESULT' && event.toolCallId)
  const held = (paused?.calls ?? []).filter(({ toolCallId }) => !answered.includes(toolCallId))
  return [
    ...[...open.values()].flat(),
    ...held.map(({ toolCallId, toolName }) => ({
      type: 'TOOL_CALL_RESULT' as const,
      messageId: Bun.randomUUIDv7(),
      toolCallId,
      toolName,
      result: null,
      failure,
    })),
  ]
}
