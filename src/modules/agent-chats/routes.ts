import { Elysia } from 'elysia'
import Negotiator from 'negotiator'
import type { Config } from '../../config.ts'
import type { Guard } from '../../http/guard.ts'
import { localeOf } from '../../http/locale.ts'
import { describe, problems } from '../../http/openapi.ts'
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
      response: { 200: schema.answerView, ...problems(401, 404, 409, 422, 429, 502, 503, 504) },
      detail: describe('Send a message to the agent', description, { signedIn: true }),
    },
  )

const description = `Runs the agent on a message, with the chat's earlier messages as its context. The answer \
comes when the run has ended; with \`Accept: text/event-stream\` its events are sent as they happen, one as \
the \`data\` of each frame, ids counting up, a comment in silence. A run goes on, and is kept, when its \
reader leaves. A run that fails is 502, 503 or 504 with \`session_id\` and the \`events\` so far as members, \
or a RUN_ERROR in the stream.`

const wantsStream = (request: Request): boolean =>
  new Negotiator({ headers: { accept: request.headers.get('accept') ?? '*/*' } }).mediaType([
    'application/json',
    'text/event-stream',
  ]) === 'text/event-stream'
