import { Elysia } from 'elysia'
import type { Guard } from '../../http/guard.ts'
import { problems } from '../../http/openapi.ts'
import { agUiBody, agUiQuery } from './ag-ui-schema.ts'
import { takeTurn } from './ag-ui-turn.ts'
import { runByAgUi } from './openapi.ts'
import { noTurn } from './routes.ts'
import { eventFrames } from './schema.ts'
import type { AgentChats } from './service.ts'
import { AgUiWire } from './wires/ag-ui.ts'
import type { AnswerTo } from './wires/answer-to.ts'

/** The agent for clients that speak AG-UI. */
export const agUiRoutes = (chats: AgentChats, answerTo: AnswerTo, guard: Guard) =>
  new Elysia({ prefix: '/api/v1/agent-chats', tags: ['Agent Chat'] }).use(guard).post(
    '/ag-ui',
    async context => {
      const { body, caller, query } = context
      const wishes = {
        // Whoever writes on has stopped listening: the client's own stop is not heard here.
        onConflict: query.on_conflict ?? 'interrupt',
        model: chats.models.named(query.model, '/query/model'),
      }
      const { run, after, telling } = await takeTurn(chats, caller.userId, body, wishes)
      // The request is there as long as its answer, and would hold the files of all of them.
      body.messages = []
      return answerTo.stream(context, run, after, (run, locale) => new AgUiWire(run, locale, telling))
    },
    {
      signedIn: true,
      query: agUiQuery,
      body: agUiBody,
      response: {
        200: eventFrames,
        ...problems(...noTurn),
      },
      detail: runByAgUi,
    },
  )
