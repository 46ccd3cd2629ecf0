import { Elysia } from 'elysia'
import type { Guard } from '../../http/guard.ts'
import { badBody, describe, largeBody, problems } from '../../http/openapi.ts'
import type { Attachment } from './attachments/attachment.ts'
import { received } from './attachments/receiving.ts'
import { clientToolsOf } from './client-tools.ts'
import { answerAgain, sendMessage } from './openapi.ts'
import * as schema from './schema.ts'
import type { AgentChats } from './service.ts'
import type { AnswerTo } from './wires/answer-to.ts'

/** Messages to the agent. */
export const agentChatRoutes = (chats: AgentChats, answerTo: AnswerTo, guard: Guard) =>
  new Elysia({ prefix: '/api/v1/agent-chats', tags: ['Agent Chat'] })
    .use(guard)
    .post(
      '',
      ({ body, caller, headers, request, set }) => {
        const key = keyOf(headers, body)
        const keepsAttachments = !body.attachments
        const attachments = taken(body)
        const started = chats.send(caller.userId, {
          chatId: body.session_id,
          content: body.message,
          attachments,
          messageId: body.message_id ?? undefined,
          at: body.replaces ? { kind: 'edit', messageId: body.replaces, keepsAttachments } : undefined,
          model: body.model,
          clientTools: clientToolsOf(body.tools),
          onConflict: body.on_conflict,
          key,
        })
        return answerTo.answer({ request, caller, set }, started)
      },
      {
        signedIn: true,
        headers: schema.idempotent,
        body: schema.messageBody,
        response: {
          200: schema.answerView,
          ...problems(...noAnswer, 'message_id_taken', 'malformed_form', ...badAttachments, ...largeBody),
        },
        detail: sendMessage,
      },
    )
    .post(
      '/:session_id/regenerate',
      ({ body, params, caller, headers, request, set }) => {
        const started = chats.regenerate(caller.userId, params.session_id, {
          messageId: body.message_id,
          model: body.model,
          clientTools: clientToolsOf(body.tools),
          onConflict: body.on_conflict,
          key: keyOf(headers, { ...params, ...body }),
        })
        return answerTo.answer({ request, caller, set }, started)
      },
      {
        signedIn: true,
        params: schema.chatParams,
        headers: schema.idempotent,
        body: schema.againBody,
        response: {
          200: schema.answerView,
          ...problems(...noAnswer),
        },
        detail: answerAgain,
      },
    )

    .get('/models', () => ({ models: chats.models.all }), {
      signedIn: true,
      response: { 200: schema.modelsView, ...problems('unauthenticated') },
      detail: describe('listModels', 'Models to choose from'),
    })

/** Why attachments are not taken. */
export const badAttachments = [
  'attachments_too_large',
  'body_too_large',
  'unsupported_attachment',
  'attachment_too_long',
  'attachment_space_full',
  'images_not_supported',
] as const

/** Why a run does not begin. */
export const noPlace = [
  'run_in_progress',
  'too_many_runs',
  'token_budget_spent',
  'stopping',
  'storage_unavailable',
] as const

/** Why what a client sends with its whole conversation gets no answer, or none of what waits does. */
export const noTurn = [
  'unauthenticated',
  'chat_not_found',
  'message_not_found',
  'call_not_found',
  'call_answered',
  'message_id_taken',
  'model_not_available',
  ...badBody,
  ...badAttachments,
  ...largeBody,
  ...noPlace,
] as const

export const failuresOfARun = [
  'run_cancelled',
  'model_failed',
  'model_rejected_key',
  'model_not_found',
  'model_rejected_request',
  'model_out_of_credit',
  'model_not_understood',
  'model_cut_off',
  'model_refused',
  'chat_too_long',
  'answer_too_long',
  'model_unreachable',
  'model_rate_limited',
  'run_interrupted',
  'model_timeout',
  'run_timeout',
] as const

/** Why a message, new or asked again, gets no answer. */
const noAnswer = [
  'unauthenticated',
  'chat_not_found',
  'message_not_found',
  ...badBody,
  'idempotency_key_reused',
  'model_not_available',
  ...noPlace,
  ...failuresOfARun,
] as const

/** An answer takes minutes, and its request is there as long; the files in it need not be. */
function taken(body: typeof schema.messageBody.static): Attachment[] {
  const attachments = received(
    (body.attachments ?? []).map((file, index) => ({ ...file, pointer: `/body/attachments/${index}` })),
  )
  delete body.attachments
  return attachments
}

/** What makes two requests under one key the same. */
function keyOf(headers: { 'idempotency-key'?: string }, request: object) {
  const key = headers['idempotency-key']
  if (key === undefined) return null
  return {
    key,
    fingerprint: new Bun.CryptoHasher('sha256').update(JSON.stringify(request)).digest('base64url'),
  }
}
