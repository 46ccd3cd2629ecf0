import { Elysia } from 'elysia'
import { log } from '../log.ts'

/** A line a request, at LOG_LEVEL=debug; otherwise it costs nothing. Never a header, a query or a body. */
export function requestLog(level: string) {
  const plugin = new Elysia({ name: 'request-log' })
  if (level !== 'debug') return plugin
  return plugin.onAfterResponse({ as: 'global' }, ({ request, path, set }) => {
    log.debug('{method} {path} {status}, request {id}', {
      method: request.method,
      path,
      status: set.status ?? 200,
      id: set.headers['x-request-id'],
    })
  })
}
