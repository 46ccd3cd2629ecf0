import { Elysia } from 'elysia'
import { AppError } from '../../errors.ts'
import type { Guard } from '../../http/guard.ts'
import { badBody, noContent, problems } from '../../http/openapi.ts'
import type { Locale } from '../../texts/index.ts'
import { textOf } from './history.ts'
import { resumeUiStream, sendUiMessage, stopUiChat } from './openapi.ts'
import { noPlace } from './routes.ts'
import type { Run } from './run.ts'
import { eventFrames, nothingMore } from './schema.ts'
import type { AgentChats, Message } from './service.ts'
import * as schema from './ui-schema.ts'
import type { AnswerTo } from './wires/answer-to.ts'
import { chatIdOf, messageIdOf } from './wires/chat-id.ts'
import { uiStream } from './wires/ui.ts'
import { type Asked, askedOf } from './wires/ui-request.ts'

/** The agent's chats for the AI SDK's `useChat`, as it is. */
export const uiRoutes = (chats: AgentChats, answerTo: AnswerTo, guard: Guard) =>
  new Elysia({ prefix: '/agent-chats/ui', tags: ['Agent Chat'] })
    .use(guard)
    .post(
      '',
      async ({ body, caller, request }) => {
        const locale = answerTo.locale(request)
        const run = await begin(chats, caller.userId, body, locale)
        return uiStream({ run, locale, isAlive: answerTo.isAlive(caller), after: run.legStart })
      },
      {
        signedIn: true,
        body: schema.uiBody,
        response: {
          200: eventFrames,
          ...problems(
            'unauthenticated',
            'chat_not_found',
            'message_not_found',
            'call_not_found',
            'call_answered',
            'message_id_taken',
            'model_not_available',
            ...badBody,
            ...noPlace,
          ),
        },
        detail: sendUiMessage,
      },
    )
    .get(
      '/:id/stream',
      async ({ params, caller, request }) => {
        const chatId = chatIdOf(caller.userId, params.id)
        const run = chats.answering(caller.userId, chatId)
        const isAlive = answerTo.isAlive(caller)
        if (run) return uiStream({ run, locale: answerTo.locale(request), isAlive, after: 0 })
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
        await chats.stop(caller.userId, chatIdOf(caller.userId, params.id))
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

function begin(chats: AgentChats, userId: string, body: schema.UiBody, locale: Locale): Promise<Run> {
  const asked = askedOf(body, locale)
  const at = { userId, chatId: chatIdOf(userId, body.id) }
  // Whoever writes on has stopped listening: the client's own stop is not heard here.
  const how = { onConflict: body.on_conflict ?? ('interrupt' as const), model: body.model }
  if (asked.kind === 'approvals') return approve(chats, at, asked.answers)
  if (asked.kind === 'message') return say(chats, at, asked, how)
  const messageId = asked.messageId && messageIdOf(at.chatId, asked.messageId)
  return chats.regenerate(userId, at.chatId, { messageId, ...how })
}

type At = { userId: string; chatId: string }

/** New, it is the chat's next; there already, it is answered again; changed, it comes instead. */
async function say(
  chats: AgentChats,
  { userId, chatId }: At,
  { id, text }: Extract<Asked, { kind: 'message' }>,
  how: Pick<Message, 'onConflict' | 'model'>,
): Promise<Run> {
  const messageId = id === null ? undefined : messageIdOf(chatId, id)
  const before = messageId ? await chats.standing(userId, chatId, messageId) : null
  if (!before) return chats.send(userId, { chatId, content: text, messageId, ...how })
  if (before.message.role === 'user' && textOf(before.message) === text)
    return chats.regenerate(userId, chatId, { messageId: before.id, ...how })
  const at = { kind: 'edit' as const, messageId: before.id }
  return chats.send(userId, { chatId, content: text, at, ...how })
}

/** Only what waits can be answered; what else the client's message says of calls is not believed. */
async function approve(
  chats: AgentChats,
  { userId, chatId }: At,
  answers: Extract<Asked, { kind: 'approvals' }>['answers'],
): Promise<Run> {
  const waiting = await chats.waiting(userId, chatId)
  const calls = new Map(waiting?.paused?.calls.map(call => [call.id, call]))
  const known = answers.filter(({ id }) => calls.get(id)?.waitsFor === 'approval')
  const due = known.filter(({ id }) => calls.get(id)?.answer === null)
  if (waiting && due.length > 0) return chats.answerCalls(userId, chatId, waiting.runId, due)
  if (known.length > 0) throw new AppError('call_answered')
  throw new AppError(chats.answering(userId, chatId) ? 'run_in_progress' : 'call_not_found')
}
