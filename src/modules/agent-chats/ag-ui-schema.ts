/** What an AG-UI 1.0 client sends (https://docs.ag-ui.com): loose about what is not used, strict about what is. */
import type { TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { t, ValidationError } from 'elysia'
import { text } from '../../http/text.ts'
import { messageBody, messageLength } from './schema.ts'

const id = (description: string, example: string) =>
  t.String({ minLength: 1, maxLength: 256, description, examples: [example] })

/** Anything at all: what there is to say against it is said where it is used. */
const whatever = t.Optional(t.Any())

export const agUiBody = t.Object(
  {
    threadId: id('The chat: a UUID is its id, any other text stands for one of your chats', 'thread-1'),
    runId: id("The client's name for this request; comes back in the events", 'run-1'),
    messages: t.Array(
      t.Object({
        role: t.String(),
        id: whatever,
        content: whatever,
        toolCalls: whatever,
        toolCallId: whatever,
      }),
      {
        description: 'The history is kept here: of these, the newest message of the user is believed',
        examples: [[{ id: 'message-1', role: 'user', content: 'What time is it in Shanghai?' }]],
      },
    ),
  },
  { title: 'RunAgentInput' },
)

export type AgUiBody = typeof agUiBody.static

export const agUiQuery = t.Object({
  on_conflict: t.Optional(
    t.Union(messageBody.properties.on_conflict.anyOf, {
      description: 'As with a message. Left out, the new message ends what is being answered',
      examples: ['reject'],
    }),
  ),
})

const userMessage = t.Object({
  id: t.String({ minLength: 1, maxLength: 256 }),
  content: text({ minLength: 1, maxLength: messageLength }),
})

export type Asked = {
  /** The newest message of the user, of this or an earlier turn. */
  message: typeof userMessage.static | null
  /** What the client has of the answer to it. */
  since: AgUiBody['messages']
}

/** Throws as the schema of a route does. */
export function askedIn({ messages }: AgUiBody): Asked {
  const index = messages.findLastIndex(({ role }) => role === 'user')
  const since = messages.slice(index + 1)
  if (index < 0) return { message: null, since }
  const { id, content } = messages[index]!
  return { message: checked(userMessage, { id, content: joined(content) }, 'messages', String(index)), since }
}

/** Of a text in parts; anything else as it is. */
const joined = (content: unknown): unknown =>
  Array.isArray(content) && content.every(isTextPart) ? content.map(({ text }) => text).join('\n\n') : content

const isTextPart = (part: unknown): part is { text: string } =>
  typeof part === 'object' && part !== null && 'text' in part && typeof part.text === 'string'

/** Part of a body that the route's schema leaves open, held against its own. */
function checked<Schema extends TSchema>(schema: Schema, value: unknown, ...at: string[]): Schema['static'] {
  if (Value.Check(schema, value)) return value
  const whole = at.reduceRight<TSchema>((inner, key) => t.Object({ [key]: inner }), schema)
  throw new ValidationError(
    'body',
    whole,
    at.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value),
  )
}
