/** What of a run stays in the chat. */
import type { JSONValue } from 'ai'
import { isPiece, type RunEvent, type ToolCallResult } from './events.ts'
import type { KeptMessage } from './store.ts'

type Call = { toolCallId: string; toolName: string; args: string; ended: boolean }
type Line =
  | { kind: 'reasoning'; id: string; text: string }
  | { kind: 'assistant'; id: string; text: string; calls: Call[] }
  | { kind: 'result'; result: ToolCallResult }

/**
 * The messages of a run's events, however far it came, in the order of their beginning: a broken-off text stays
 * as it is, and a tool call without a result is left out, since no model takes one, unless it is held.
 * @param held ids of the calls that wait
 */
export function answerOf(events: RunEvent[], held: string[] = []): KeptMessage[] {
  return linesOf(events).flatMap(line => {
    if (line.kind === 'result') return [resultMessage(line.result)]
    const { id, text } = line
    if (line.kind === 'reasoning') return [{ id, message: { role: 'reasoning', content: text } }]
    const calls = line.calls.filter(({ ended, toolCallId }) => ended || held.includes(toolCallId))
    const content = [
      ...(text ? [{ type: 'text' as const, text }] : []),
      ...calls.map(({ toolCallId, toolName, args }) => ({
        type: 'tool-call' as const,
        toolCallId,
        toolName,
        input: parsed(args),
      })),
    ]
    return content.length > 0 ? [{ id, message: { role: 'assistant' as const, content } }] : []
  })
}

/** What the last message says. */
export function outputOf(events: RunEvent[]): string {
  const start = events.findLastIndex(({ type }) => type === 'TEXT_MESSAGE_START')
  return events
    .slice(start + 1)
    .map(event => (event.type === 'TEXT_MESSAGE_CONTENT' ? event.text : ''))
    .join('')
}

function linesOf(events: RunEvent[]): Line[] {
  const lines: Line[] = []
  const spoken = new Map<string, Line & { text: string }>()
  const calls = new Map<string, Call>()
  const open = <Kind extends 'reasoning' | 'assistant'>(kind: Kind, id: string) => {
    const line =
      spoken.get(id) ?? (kind === 'reasoning' ? { kind, id, text: '' } : { kind, id, text: '', calls: [] })
    if (!spoken.has(id)) lines.push(line as Line)
    spoken.set(id, line as Line & { text: string })
    return line as Extract<Line, { kind: Kind }>
  }
  for (const event of events) {
    if (isPiece(event)) {
      const line = spoken.get(event.of)
      const call = calls.get(event.of)
      if (event.type === 'TOOL_CALL_ARGS') {
        if (call) call.args += event.text
      } else if (line) line.text += event.text
    } else if (event.type === 'TEXT_MESSAGE_START') open('assistant', event.messageId)
    else if (event.type === 'REASONING_START') open('reasoning', event.messageId)
    else if (event.type === 'TOOL_CALL_START') {
      const { toolCallId, toolName } = event
      const call = { toolCallId, toolName, args: '', ended: false }
      calls.set(toolCallId, call)
      open('assistant', event.messageId).calls.push(call)
    } else if (event.type === 'TOOL_CALL_RESULT') {
      const call = calls.get(event.toolCallId)
      if (!call || call.ended) continue
      call.ended = true
      lines.push({ kind: 'result', result: event })
    }
  }
  return lines
}

const resultMessage = ({
  messageId,
  toolCallId,
  toolName,
  result,
  failure,
}: ToolCallResult): KeptMessage => ({
  id: messageId,
  message: {
    role: 'tool',
    content: [
      {
        type: 'tool-result',
        toolCallId,
        toolName,
        output:
          failure === null
            ? { type: 'text', value: result ?? '' }
            : { type: 'error-text', value: failure.code },
      },
    ],
  },
})

/** Arguments that are no JSON object came from a call that failed; templates take objects alone. */
function parsed(args: string): JSONValue {
  try {
    const value = JSON.parse(args) as JSONValue
    return value !== null && typeof value === 'object' ? value : {}
  } catch {
    return {}
  }
}
