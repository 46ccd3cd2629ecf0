/**
 * Who may pass. Guards are macros that a route names beside its schema; they act in `transform`, which Elysia
 * runs before validation, so that neither a 401 nor a 429 depends on the body. They name the members of the
 * context they need: Elysia reads the functions' text, and parses cookies, query and headers where one of
 * them takes the context whole.
 */
import { Elysia } from 'elysia'
import type { Limiter } from '../adapters/limiter/limiter.ts'
import type { Config } from '../config.ts'
import { AppError } from '../errors.ts'
import type { LimitName } from '../limits.ts'
import type { Caller } from '../modules/auth/store.ts'
import type { Visitor } from '../modules/auth/visitor.ts'
import { callerOf, type Sessions } from './caller.ts'
import { clientAddress } from './client.ts'
import { localeOf } from './locale.ts'

type Context = {
  request: Request
  server: { requestIP(request: Request): { address: string } | null } | null
}

/** Elysia puts what `transform` returns into the context, as with `derive`, but its types do not say so. */
type Hook = (context: Context) => void

/** What a guard's `transform` put into the context; `resolve` gives it its type in the handler. */
type Passed = Context & { caller?: Caller; visitor?: Visitor }

type Guarding = {
  sessions: Sessions
  limiter: Limiter
  config: Pick<Config, 'TRUST_PROXY' | 'DEFAULT_LOCALE'>
}

export type Guard = ReturnType<typeof guard>

export const guard = ({ sessions, limiter, config }: Guarding) =>
  new Elysia({ name: 'guard' }).macro({
    /** Lets only a bearer of a live access token pass, and gives the handler `caller`. */
    signedIn: (_: true) => ({
      detail: { security: [{ bearer: [] }] },
      transform: (({ request }: Context) => {
        const caller = callerOf(request, sessions)
        if (!caller) throw new AppError('unauthenticated')
        return { caller }
      }) as Hook,
      resolve: ({ caller }: Passed) => ({ caller: caller as Caller }),
    }),

    /** Counts the request against a limit per client, and gives the handler `visitor`. */
    limit: (name: LimitName) => ({
      transform: (async ({ request, server }: Context) => {
        const visitor = visitorOf(request, server, config)
        const taken = await limiter.take(name, visitor.client)
        if (!taken.ok) throw new AppError('rate_limited', { retryAfter: taken.retryAfter })
        return { visitor }
      }) as Hook,
      resolve: ({ visitor }: Passed) => ({ visitor: visitor as Visitor }),
    }),
  })

function visitorOf(request: Request, server: Context['server'], config: Guarding['config']): Visitor {
  const socket = server?.requestIP(request)?.address ?? ''
  return {
    client: clientAddress(socket, request.headers.get('x-forwarded-for'), config.TRUST_PROXY),
    locale: localeOf(request, config.DEFAULT_LOCALE),
  }
}
