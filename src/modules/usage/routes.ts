import { Elysia } from 'elysia'
import type { Guard } from '../../http/guard.ts'
import { describe, problems } from '../../http/openapi.ts'
import * as schema from './schema.ts'
import type { TokenUsage } from './service.ts'
import { usageView } from './views.ts'

/** What one has taken of models. */
export const usageRoutes = (usage: TokenUsage, guard: Guard) =>
  new Elysia({ prefix: '/api/v1/users/me/usage', tags: ['Users'] })
    .use(guard)
    .get(
      '',
      ({ query, caller }) => usageView(usage.spent(caller.userId, query), usage.budget(caller.userId)),
      {
        signedIn: true,
        query: schema.daysQuery,
        response: { 200: schema.usageView, ...problems('unauthenticated', 'invalid_request') },
        detail: describe(
          'getMyUsage',
          'What I have taken of models',
          'Tokens by day (UTC) and model: today, or from one day to another, both included, a year at most. \
Without `to` up to today, without `from` that day alone.',
        ),
      },
    )
