import { Elysia } from 'elysia'
import type { Guard } from '../../http/guard.ts'
import { noContent, problems } from '../../http/openapi.ts'
import type { Chats } from './chats.ts'
import { getUiChat, resumeUiStream, sendUiMessage, stopUiChat } from './openapi.ts'
import { noTurn } from './routes.ts'
import { eventFrames, nothingMore } from './schema.ts'
import type { AgentChats } from './service.ts'
import * as schema from './ui-schema.ts'
import { takeTurn } from './ui-turn.ts'
import type { AnswerTo } from './wires/answer-to.ts'
import { uiStreamTo } from './wires/ui.ts'
import { uiMessages } from './wires/ui-history.ts'

/** The agent's chats for the AI SDK's `useChat`, as it is. */
export function uiRoutes(chats: AgentChats, history: Chats, answerTo: AnswerTo, guard: Guard) {
  const streamTo = uiStreamTo(answerTo)
  return new Elysia({ prefix: '/api/v1/agent-chats/ui', tags: ['Agent Chat'] })
    .use(guard)
    .post(
      '',
      async context => {
        const { body, caller } = context
        const turn = await takeTurn(chats, caller.userId, body)
        // The request is there as long as its answer, and would hold the files of all of them.
        body.messages = []
        return streamTo(context, turn)
      },
      {
        signedIn: true,
        body: schema.uiBody,
        response: {
          200: eventFrames,
          ...problems(...noTurn),
        },
        detail: sendUiMessage,
      },
    )
    .get(
      '/:id',
      async ({ params, caller: { userId }, request }) => {
        const chatId = chats.idOf(userId, params.id)
        const path = await pathOf(history, userId, chatId)
        const open = path.at(-1)?.runStatus
        const run =
          open === 'waiting' || open === 'running'
            ? await chats.run(userId, chatId, path.at(-1)!.runId)
            : null
        const messages = uiMessages(chatId, path, run?.paused?.calls ?? [], answerTo.locale(request))
        return { session_id: chatId, messages: messages as schema.UiChat['messages'] }
      },
      {
        signedIn: true,
        params: schema.uiParams,
        response: {
          200: schema.uiChat,
          ...problems('unauthenticated', 'chat_not_found', 'invalid_request'),
        },
        detail: getUiChat,
      },
    )
    .get(
      '/:id/stream',
      async context => {
        const { params, caller } = context
        const chatId = chats.idOf(caller.userId, params.id)
        const run = chats.answering(caller.userId, chatId)
        if (run) return streamTo(context, { run, after: 0 })
        // Nothing runs; of another's chat not even that is said.
        await chats.waiting(caller.userId, chatId)
        return new Response(null, { status: 204 })
      },
      {
        signedIn: true,
        params: schema.uiParams,
        response: {
          200: eventFrames,
          204: nothingMore,
          ...problems('unauthenticated', 'chat_not_found', 'invalid_request'),
        },
        detail: resumeUiStream,
      },
    )
    .post(
      '/:id/stop',
      async ({ params, caller, set }) => {
        await chats.stop(caller.userId, chats.idOf(caller.userId, params.id))
        noContent(set)
      },
      {
        signedIn: true,
        params: schema.uiParams,
        response: {
          204: nothingMore,
          ...problems('unauthenticated', 'chat_not_found', 'invalid_request', 'storage_unavailable'),
        },
        detail: stopUiChat,
      },
    )
}

/** Messages that a client gets to begin with. */
const pathLength = 500

/** The newest messages, oldest first, from one of the user's on. */
async function pathOf(history: Chats, userId: string, chatId: string) {
  const { messages, next } = await history.messages(userId, chatId, { limit: pathLength })
  const path = messages.reverse()
  return next === null ? path : path.slice(path.findIndex(({ message }) => message.role === 'user'))
}
