import { Elysia } from 'elysia'
import Negotiator from 'negotiator'
import type { Config } from '../../config.ts'
import type { Guard } from '../../http/guard.ts'
import { localeOf } from '../../http/locale.ts'
import { badBody, problems } from '../../http/openapi.ts'
import { sendMessage } from './openapi.ts'
import * as schema from './schema.ts'
import type { AgentChats } from './service.ts'
import { jsonAnswer } from './wires/json.ts'
import { eventStream } from './wires/sse.ts'

type Sessions = { isAlive(sessionId: string): boolean }

export const agentChatRoutes = (
  chats: AgentChats,
  sessions: Sessions,
  guard: Guard,
  config: Pick<Config, 'DEFAULT_LOCALE'>,
) =>
  new Elysia({ prefix: '/agent-chats', tags: ['Agent Chat'] }).use(guard).post(
    '',
    ({ body, caller, request, server }) => {
      // A model may think for longer than Bun leaves a connection silent.
      server?.timeout(request, 0)
      const locale = localeOf(request, config.DEFAULT_LOCALE)
      const isAlive = () => sessions.isAlive(caller.sessionId)
      const started = chats.start(caller.userId, body)
      return wantsStream(request)
        ? started.then<Response>(run => eventStream(run, locale, isAlive))
        : started.then<schema.AnswerView>(run => jsonAnswer(run, locale))
    },
    {
      signedIn: true,
      body: schema.messageBody,
      response: {
        200: schema.answerView,
        ...problems('unauthenticated', 'chat_not_found', ...badBody, ...noPlace, ...failuresOfARun),
      },
      detail: sendMessage,
    },
  )

/** Why a run does not begin. */
const noPlace = ['run_in_progress', 'too_many_runs', 'stopping', 'storage_unavailable'] as const

const failuresOfARun = [
  'model_failed',
  'model_rejected_key',
  'model_cut_off',
  'model_refused',
  'answer_too_long',
  'model_unreachable',
  'model_rate_limited',
  'run_interrupted',
  'model_timeout',
] as const

const wantsStream = (request: Request): boolean =>
  new Negotiator({ headers: { accept: request.headers.get('accept') ?? '*/*' } }).mediaType([
    'application/json',
    'text/event-stream',
  ]) === 'text/event-stream'
