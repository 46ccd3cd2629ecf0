import type { App } from '../app.ts'
import { AppError } from '../errors.ts'
import { log, reason } from '../log.ts'
import type { Locale } from '../texts/index.ts'
import { localeOf } from './locale.ts'
import { problem } from './problem.ts'

type Listening = { HOST: string; PORT: number; DEFAULT_LOCALE: Locale }

/** The app itself refuses bodies far below this; beyond it Bun answers, without a word. */
const hardBodyLimit = 1024 * 1024 * 1024

/** Listens. Throws where the address is taken. */
export function serve(app: App, { HOST, PORT, DEFAULT_LOCALE }: Listening) {
  const handle = app.fetch
  const server = Bun.serve({
    hostname: HOST,
    port: PORT,
    // Otherwise a second instance would quietly take half of the requests.
    reusePort: false,
    maxRequestBodySize: hardBodyLimit,
    idleTimeout: 30,
    fetch(request) {
      if (isHostTooShort(request.url))
        return problem(
          new AppError('bad_host'),
          new URL(request.url).pathname,
          localeOf(request, DEFAULT_LOCALE),
        )
      return handle(request)
    },
    // The last net: what the app itself did not catch.
    error(error) {
      const id = crypto.randomUUID()
      log.error('a request failed, request {id}: {reason}', { id, reason: reason(error) })
      const response = problem(new AppError('internal_error', { params: { id } }), '', DEFAULT_LOCALE)
      response.headers.set('x-request-id', id)
      return response
    },
  })
  // Handlers find it in their context: the client's address, a request's time limit.
  app.server = server as unknown as typeof app.server
  return server
}

/**
 * Elysia looks for the path from the eleventh character on, so with a host of less than four it would take
 * another part of the address for it (elysiajs/elysia#748).
 */
const isHostTooShort = (url: string) => url.indexOf('/', 'http://'.length) < 11
