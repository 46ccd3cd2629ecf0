import { Elysia } from 'elysia'
import type { Guard } from '../../http/guard.ts'
import { badBody, describe, noContent, problems } from '../../http/openapi.ts'
import * as schema from './chat-schema.ts'
import type { Chats } from './chats.ts'
import { chatParams } from './schema.ts'
import type { AnswerTo } from './wires/answer-to.ts'
import { chatView, messageView } from './wires/chat-view.ts'

/** The chats: to be listed, read, changed and removed. */
export const chatRoutes = (chats: Chats, answerTo: AnswerTo, guard: Guard) =>
  new Elysia({ prefix: '/api/v1/agent-chats', tags: ['Agent Chat'] })
    .use(guard)
    .get(
      '',
      async ({ caller, query }) => {
        const { chats: page, next } = await chats.list(caller.userId, numbered(query))
        return { chats: page.map(chatView), next_cursor: next }
      },
      {
        signedIn: true,
        query: schema.listQuery,
        response: { 200: schema.chatList, ...problems('unauthenticated', 'invalid_request') },
        detail: describe(
          'listChats',
          'My chats',
          'The one in which something was said last comes first. With `q`, those whose title or one of whose messages has all of its words.',
        ),
      },
    )
    .get(
      '/:session_id',
      async ({ caller, params }) => chatView(await chats.find(caller.userId, params.session_id)),
      {
        signedIn: true,
        params: chatParams,
        response: {
          200: schema.chatView,
          ...problems('unauthenticated', 'chat_not_found', 'invalid_request'),
        },
        detail: describe('getChat', 'How a chat stands'),
      },
    )
    .get(
      '/:session_id/messages',
      async ({ caller, params, query, request }) => {
        const { messages, next } = await chats.messages(caller.userId, params.session_id, numbered(query))
        const locale = answerTo.locale(request)
        return { messages: messages.map(message => messageView(message, locale)), next_cursor: next }
      },
      {
        signedIn: true,
        params: chatParams,
        query: schema.messagesQuery,
        response: {
          200: schema.messageList,
          ...problems('unauthenticated', 'chat_not_found', 'message_not_found', 'invalid_request'),
        },
        detail: describe(
          'listMessages',
          'What was said in a chat',
          'The newest first, along the path that the model sees, or along another. What a run is saying is in its events until it has ended.',
        ),
      },
    )
    .patch(
      '/:session_id',
      async ({ body, caller, params }) => {
        const { title, head_message_id: through } = body
        return chatView(await chats.change(caller.userId, params.session_id, { title, through }))
      },
      {
        signedIn: true,
        params: chatParams,
        body: schema.changeBody,
        response: {
          200: schema.chatView,
          ...problems(
            'unauthenticated',
            'chat_not_found',
            'message_not_found',
            'run_in_progress',
            ...badBody,
            'storage_unavailable',
            'stopping',
          ),
        },
        detail: describe(
          'changeChat',
          'Rename a chat, or go on from another answer',
          'A member left out stays.',
        ),
      },
    )
    .delete(
      '/:session_id',
      async ({ caller, params, set }) => {
        await chats.remove(caller.userId, params.session_id)
        noContent(set)
      },
      {
        signedIn: true,
        params: chatParams,
        response: {
          204: schema.removed,
          ...problems(
            'unauthenticated',
            'chat_not_found',
            'invalid_request',
            'storage_unavailable',
            'stopping',
          ),
        },
        detail: describe(
          'deleteChat',
          'Delete a chat',
          'What runs in it is stopped, and nothing of it stays.',
        ),
      },
    )

/** In a query every value is a string. */
const numbered = <T extends { limit?: string }>({ limit, ...query }: T) => ({
  ...query,
  limit: limit === undefined ? undefined : Number(limit),
})
