/**
 * Who may pass. Guards are macros that a route names beside its schema; they act in `transform`, which Elysia
 * runs before validation, so that neither a 401 nor a 429 depends on the body.
 */
import { Elysia } from 'elysia'
import type { Limiter } from '../adapters/limiter/limiter.ts'
import type { Config } from '../config.ts'
import { AppError } from '../errors.ts'
import type { LimitName } from '../limits.ts'
import type { LiveSession } from '../modules/auth/store.ts'
import type { Visitor } from '../modules/auth/visitor.ts'
import { clientAddress } from './client.ts'
import { localeOf } from './locale.ts'

type Context = {
  request: Request
  server: { requestIP(request: Request): { address: string } | null } | null
  caller?: LiveSession
  visitor?: Visitor
}

type Guarding = {
  sessions: { authenticate(accessToken: string): LiveSession | null }
  limiter: Limiter
  config: Pick<Config, 'TRUST_PROXY' | 'DEFAULT_LOCALE'>
}

export type Guard = ReturnType<typeof guard>

export const guard = ({ sessions, limiter, config }: Guarding) =>
  new Elysia({ name: 'guard' }).macro({
    /** Lets only a bearer of a live access token pass, and gives the handler `caller`. */
    signedIn: (_: true) => ({
      transform(context: Context) {
        const [scheme, token] = context.request.headers.get('authorization')?.split(' ') ?? []
        const caller = scheme?.toLowerCase() === 'bearer' && token ? sessions.authenticate(token) : null
        if (!caller) throw new AppError('unauthenticated')
        context.caller = caller
      },
      resolve: (context: Context) => ({ caller: context.caller as LiveSession }),
    }),

    /** Counts the request against a limit per client, and gives the handler `visitor`. */
    limit: (name: LimitName) => ({
      async transform(context: Context) {
        const visitor = visitorOf(context, config)
        const taken = await limiter.take(name, visitor.client)
        if (!taken.ok) throw new AppError('rate_limited', { retryAfter: taken.retryAfter })
        context.visitor = visitor
      },
      resolve: (context: Context) => ({ visitor: context.visitor as Visitor }),
    }),
  })

function visitorOf({ request, server }: Context, config: Guarding['config']): Visitor {
  const socket = server?.requestIP(request)?.address ?? ''
  return {
    client: clientAddress(socket, request.headers.get('x-forwarded-for'), config.TRUST_PROXY),
    locale: localeOf(request, config.DEFAULT_LOCALE),
  }
}
