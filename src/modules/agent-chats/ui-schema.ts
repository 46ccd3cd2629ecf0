/**
 * What the AI SDK's client sends. It is checked where it is believed: the newest message and the answers to what
 * waits (wires/ui-request.ts). Of the rest it need only be a chat.
 */
import { t } from 'elysia'
import { exampleIds } from './example.ts'
import { messageBody } from './schema.ts'

const more = { additionalProperties: true }

const chatId = t.String({
  minLength: 1,
  maxLength: 255,
  examples: [exampleIds.session_id],
  description: "The chat: a session_id, or the client's own name for it",
})

export const uiParams = t.Object({ id: chatId })

const part = t.Object(
  {
    type: t.String({ examples: ['text'] }),
    text: t.Optional(t.String({ examples: ['What time is it in Shanghai?'] })),
    state: t.Optional(t.String()),
    approval: t.Optional(t.Unknown()),
  },
  more,
)

const message = t.Object(
  {
    id: t.Optional(t.String({ examples: ['Jm5xVq8PzWk3TbLd'] })),
    role: t.String({ examples: ['user'] }),
    parts: t.Array(part),
  },
  { ...more, title: 'UIMessage' },
)

export const uiBody = t.Object(
  {
    id: chatId,
    messages: t.Array(message, {
      description:
        'Of these, only the last message is read: what the user says, or their answers to what waits for approval',
    }),
    trigger: t.Optional(t.Union([t.Literal('submit-message'), t.Literal('regenerate-message')])),
    messageId: t.Optional(
      t.String({ description: 'The message that is edited, answered again or gone on with' }),
    ),
    model: messageBody.properties.model,
    on_conflict: t.Optional(
      t.Union(messageBody.properties.on_conflict.anyOf, {
        description: 'As with a message. Left out, the new message ends what is being answered',
      }),
    ),
  },
  { title: 'ChatRequest' },
)

export type UiBody = typeof uiBody.static
