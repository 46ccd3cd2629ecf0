import type { App } from '../app.ts'
import { AppError } from '../errors.ts'
import { idleSeconds } from '../limits.ts'
import { log, reason } from '../log.ts'
import type { Locale } from '../texts/index.ts'
import { securityHeaders } from './edge.ts'
import { localeOf } from './locale.ts'
import { problem } from './problem.ts'

type Listening = { HOST: string; PORT: number; DEFAULT_LOCALE: Locale }

/** The app itself refuses bodies far below this; beyond it Bun answers, without a word. */
const hardBodyLimit = 1024 * 1024 * 1024

/** Listens. Throws where the address is taken. */
export function serve(app: App, { HOST, PORT, DEFAULT_LOCALE }: Listening, idle = idleSeconds) {
  const handle = app.fetch
  const server = Bun.serve({
    hostname: HOST,
    port: PORT,
    // Otherwise a second instance would quietly take half of the requests.
    reusePort: false,
    maxRequestBodySize: hardBodyLimit,
    idleTimeout: idle,
    fetch(request) {
      if (hasBadHost(request.url))
        return outside(new AppError('bad_host'), pathOf(request.url), localeOf(request, DEFAULT_LOCALE))
      return handle(request)
    },
    // The last net: what the app itself did not catch.
    error(error) {
      const id = crypto.randomUUID()
      log.error('a request failed, request {id}: {reason}', { id, reason: reason(error) })
      return outside(new AppError('internal_error', { params: { id } }), '/', DEFAULT_LOCALE, id)
    },
  })
  // Handlers find it in their context: the client's address, a request's time limit.
  app.server = server as unknown as typeof app.server
  return server
}

/**
 * Elysia looks for the path from the eleventh character on, so with a host of less than four it would take
 * another part of the address for it (elysiajs/elysia#748). Where there is no proper host at all, Bun gives
 * no more than the path; and some hosts, as 999999999999, look proper but make no URL.
 */
const hasBadHost = (url: string) => !URL.canParse(url) || url.indexOf('/', 'http://'.length) < 11

const pathOf = (url: string) => url.replace(/^http:\/\/[^/]*/, '').replace(/\?.*/s, '') || '/'

/** A problem that did not come by the app, with the headers that the app would give it. */
function outside(error: AppError, path: string, locale: Locale, id: string = crypto.randomUUID()): Response {
  const response = problem(error, path, locale)
  for (const [name, value] of Object.entries({ ...securityHeaders, 'x-request-id': id }))
    response.headers.set(name, value)
  return response
}
