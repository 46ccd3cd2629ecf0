import { Elysia } from 'elysia'
import type { Guard } from '../../http/guard.ts'
import { badBody, describe, problems } from '../../http/openapi.ts'
import { exampleFrames, followRun } from './openapi.ts'
import { noPlace } from './routes.ts'
import * as schema from './schema.ts'
import type { AgentChats } from './service.ts'
import type { CallAnswer } from './store.ts'
import { type AnswerTo, wantsStream } from './wires/answer-to.ts'
import { runView } from './wires/run-view.ts'

type Answering = Parameters<AnswerTo['resume']>[0] & {
  params: { session_id: string; run_id: string }
  caller: { userId: string }
}

/** UUIDs mean the same in either case (RFC 9562, 4). */
const named = ({ session_id, run_id }: Answering['params']) =>
  [session_id.toLowerCase(), run_id.toLowerCase()] as const

const goingOn = {
  200: schema.runView,
  204: schema.nothingMore,
  ...problems('unauthenticated', 'run_not_found', 'call_not_found', 'call_answered', ...badBody, ...noPlace),
}

/** A run: to be looked at, followed, stopped, and answered. */
export const runRoutes = (chats: AgentChats, answerTo: AnswerTo, guard: Guard) => {
  /** The rest of the run, once nothing of it waits any more, or how it stands. */
  const goOn = (context: Answering, id: string, answer: CallAnswer) => {
    const { params, caller, request } = context
    const answered = chats.answerCalls(caller.userId, ...named(params), [{ id: id.toLowerCase(), answer }])
    return wantsStream(request)
      ? answered.then<Response>(run => answerTo.resume(context, run, run.legStart))
      : answered
          .then(() => chats.run(caller.userId, ...named(params)))
          .then<schema.RunView>(run => runView(run, answerTo.locale(request)))
  }

  return new Elysia({ prefix: '/api/v1/agent-chats/:session_id/runs/:run_id', tags: ['Agent Chat'] })
    .use(guard)
    .get(
      '',
      async ({ params, caller, request }) =>
        runView(await chats.run(caller.userId, ...named(params)), answerTo.locale(request)),
      {
        signedIn: true,
        params: schema.runParams,
        response: {
          200: schema.runView,
          ...problems('unauthenticated', 'run_not_found', 'invalid_request'),
        },
        detail: describe('getRun', 'How a run stands'),
      },
    )
    .get(
      '/events',
      async context => {
        const { params, caller, query, headers } = context
        const run = await chats.follow(caller.userId, ...named(params))
        return answerTo.resume(context, run, Number(headers['last-event-id'] ?? query.after ?? 0))
      },
      {
        signedIn: true,
        params: schema.runParams,
        query: schema.resumeQuery,
        headers: schema.resumeHeaders,
        response: {
          200: schema.eventFrames,
          204: schema.nothingMore,
          ...problems('unauthenticated', 'run_not_found', 'invalid_request'),
        },
        detail: followRun,
      },
    )
    .post(
      '/cancel',
      async ({ params, caller, request }) =>
        runView(await chats.cancel(caller.userId, ...named(params)), answerTo.locale(request)),
      {
        signedIn: true,
        params: schema.runParams,
        response: {
          200: schema.runView,
          ...problems('unauthenticated', 'run_not_found', 'invalid_request', 'storage_unavailable'),
        },
        detail: describe(
          'cancelRun',
          'Stop a run',
          'What was said stays. Idempotent: a run that has ended is answered as it is.',
        ),
      },
    )
    .post(
      '/approvals/:approval_id',
      context => {
        const { params, body } = context
        const answer = { approved: body.approved, reason: body.reason ?? undefined }
        return goOn(context, params.approval_id, answer)
      },
      {
        signedIn: true,
        params: schema.approvalParams,
        body: schema.approvalBody,
        response: goingOn,
        detail: describe(
          'answerApproval',
          'Allow or deny a tool call',
          `Once, by the owner. With the last answer that the run waits for it goes on: with \
\`Accept: text/event-stream\` the rest of it is sent, else how it stands.`,
          exampleFrames(),
        ),
      },
    )
    .post(
      '/results/:call_id',
      context => {
        const { params, body } = context
        return goOn(context, params.call_id, { result: body.result, failed: body.failed ?? false })
      },
      {
        signedIn: true,
        params: schema.callParams,
        body: schema.resultBody,
        response: goingOn,
        detail: describe(
          'giveResult',
          "Give the result of a client's tool",
          'Of one of the `tools` that came with the message, by the id of its interrupt. As with an approval, the run goes on.',
          exampleFrames(),
        ),
      },
    )
}
