import { t } from 'elysia'
import { count, text } from '../../http/text.ts'
import { exampleChat, exampleMessages } from './example.ts'
import { attachmentView, idOfMessage, runStatus } from './schema.ts'

const page = {
  limit: t.Optional(count({ minimum: 1, maximum: 100, examples: [20], description: 'Left out, it is 20' })),
  cursor: t.Optional(
    text({
      minLength: 1,
      maxLength: 500,
      examples: ['kzE6cJ1Yw0fE3f1hMTc5NTM0'],
      description: '`next_cursor` of the page before',
    }),
  ),
}

export const listQuery = t.Object({
  ...page,
  q: t.Optional(
    text({
      maxLength: 200,
      examples: ['Shanghai'],
      description: 'What to look for, in titles and in what was said; the last word may be its beginning',
    }),
  ),
})

export const messagesQuery = t.Object({
  ...page,
  through: t.Optional(
    t.String({
      ...idOfMessage,
      examples: [exampleMessages[0]!.id],
      description: 'Shows the path through this message, to the newest end below it',
    }),
  ),
})

const nullable = (description?: string) => t.Nullable(t.String(), { description })
const time = t.String({ format: 'date-time' })
const nextCursor = t.Nullable(t.String(), {
  description: 'For the next page; null on the last',
  examples: [null],
})

export const chatView = t.Object(
  {
    id: t.String({ format: 'uuid', description: '`session_id` elsewhere' }),
    title: nullable(),
    created_at: time,
    updated_at: t.String({ format: 'date-time', description: 'When something was said last' }),
    head_message_id: nullable('The end of the path that the model sees'),
    run: t.Nullable(t.Object({ id: t.String({ format: 'uuid' }), status: runStatus }), {
      description: 'What has not ended',
    }),
  },
  { title: 'Chat', description: 'The chat', examples: [exampleChat] },
)
export type ChatView = typeof chatView.static

export const chatList = t.Object(
  { chats: t.Array(chatView), next_cursor: nextCursor },
  { title: 'ChatList', description: 'A page of chats' },
)

const failure = (description: string) =>
  t.Nullable(t.Object({ code: t.String(), detail: t.String() }), { description })

export const messageView = t.Object(
  {
    id: t.String(),
    role: t.Union([t.Literal('user'), t.Literal('assistant'), t.Literal('reasoning'), t.Literal('tool')]),
    parent_id: nullable('The message above it'),
    created_at: time,
    content: t.String({ description: 'Its text; of a tool none' }),
    attachments: t.Array(attachmentView),
    tool_calls: t.Array(
      t.Object({
        id: t.String(),
        name: t.String(),
        args: t.String({ description: 'JSON' }),
      }),
      { description: 'Of the assistant' },
    ),
    tool_call_id: nullable('Of a tool: the call that this is the result of'),
    tool_name: nullable(),
    result: nullable('Of a tool: what it gave'),
    error: failure('Of a tool: why it gave nothing'),
    run_id: nullable('The run that it was said in; null where a client brought it along'),
    run_status: t.Nullable(runStatus),
    run_error: failure('Why the run ended before its time, and what it said is part of an answer'),
    version: t.Number({
      minimum: 1,
      multipleOf: 1,
      description: 'Which of the versions listed this is, from 1',
    }),
    siblings: t.Array(t.String(), {
      description:
        'The other versions, in order: messages that were edited, answers to the same message; of more than a hundred the newest hundred, and an older one that is asked for before them',
    }),
  },
  { title: 'ChatMessage', examples: [exampleMessages[0]] },
)
export type MessageView = typeof messageView.static

export const messageList = t.Object(
  { messages: t.Array(messageView), next_cursor: nextCursor },
  {
    title: 'MessageList',
    description: 'A page of messages',
    examples: [{ messages: exampleMessages, next_cursor: null }],
  },
)

export const changeBody = t.Object(
  {
    title: t.Optional(text({ minLength: 1, maxLength: 200, examples: ['Time zones'] })),
    head_message_id: t.Optional(
      t.String({
        ...idOfMessage,
        examples: [exampleMessages[0]!.id],
        description: 'The path through this message, to the newest end below it, is gone on with',
      }),
    ),
  },
  { title: 'ChatChange' },
)

export const removed = t.Void({ description: 'It is gone' })
