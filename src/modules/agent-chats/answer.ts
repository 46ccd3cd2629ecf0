/** What of a run stays in the chat, for the model to see in later runs. */
import type { JSONValue, ModelMessage } from 'ai'
import { isPiece, type RunEvent, type ToolCallResult } from './events.ts'
import type { KeptMessage } from './store.ts'

type Call = { toolCallId: string; toolName: string; args: string; result: ToolCallResult | null }
type Message = { id: string; text: string; calls: Call[] }

/**
 * The messages of a run's events, however far it came: a broken-off text stays as it is, and a tool call
 * without a result is left out, since no model takes one.
 */
export function answerOf(events: RunEvent[]): KeptMessage[] {
  return gather(events).flatMap(message => {
    const calls = message.calls.filter(call => call.result !== null)
    const content = [
      ...(message.text ? [{ type: 'text' as const, text: message.text }] : []),
      ...calls.map(({ toolCallId, toolName, args }) => ({
        type: 'tool-call' as const,
        toolCallId,
        toolName,
        input: parsed(args),
      })),
    ]
    if (content.length === 0) return []
    return [{ id: message.id, message: { role: 'assistant', content } }, ...calls.map(resultMessage)]
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

/** Messages in the order of their beginning, each with its calls. */
function gather(events: RunEvent[]): Message[] {
  const messages = new Map<string, Message>()
  const calls = new Map<string, Call>()
  const messageOf = (id: string) => {
    const message = messages.get(id) ?? { id, text: '', calls: [] }
    messages.set(id, message)
    return message
  }
  for (const event of events) {
    if (isPiece(event)) {
      if (event.type === 'TEXT_MESSAGE_CONTENT') messageOf(event.of).text += event.text
      const call = calls.get(event.of)
      if (call) call.args += event.text
    } else if (event.type === 'TOOL_CALL_START') {
      const { toolCallId, toolName } = event
      const call = { toolCallId, toolName, args: '', result: null }
      calls.set(toolCallId, call)
      messageOf(event.messageId).calls.push(call)
    } else if (event.type === 'TOOL_CALL_RESULT') {
      const call = calls.get(event.toolCallId)
      if (call) call.result = event
    }
  }
  return [...messages.values()]
}

const resultMessage = ({ toolCallId, toolName, result }: Call): KeptMessage => ({
  id: result!.messageId,
  message: {
    role: 'tool',
    content: [
      {
        type: 'tool-result',
        toolCallId,
        toolName,
        output:
          result!.failure === null
            ? { type: 'text', value: result!.result ?? '' }
            : { type: 'error-text', value: result!.failure.code },
      },
    ],
  } satisfies ModelMessage,
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
