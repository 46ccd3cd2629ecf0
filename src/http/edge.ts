/** What every request meets first and every answer last: ids, headers, the body's reading, errors as problems. */
import { Elysia, NotFoundError, ValidationError } from 'elysia'
import type { Config } from '../config.ts'
import { AppError } from '../errors.ts'
import { bodyLimitOf } from '../limits.ts'
import { log, reason } from '../log.ts'
import type { Locale } from '../texts/index.ts'
import { bodyFault, readBody } from './body.ts'
import { fieldErrors } from './field-errors.ts'
import type { LargeBodies } from './large-bodies.ts'
import { localeOf } from './locale.ts'
import { problem } from './problem.ts'

/** On every answer. The API holds personal data and no pages: nothing is to be kept, framed or run. */
export const securityHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

const saneId = /^[\w.:-]{1,128}$/

type AllowedMethods = (path: string) => string[]

/** @param allowedMethods the methods that a path is known under, for 405 */
export const edge = (
  config: Pick<Config, 'DEFAULT_LOCALE'>,
  allowedMethods: AllowedMethods,
  largeBodies: LargeBodies,
) =>
  new Elysia({ name: 'edge' })
    .onError({ as: 'global' }, ({ request, path, set, error }) => {
      const locale = localeOf(request, config.DEFAULT_LOCALE)
      const id = String(set.headers['x-request-id'])
      const failure =
        toAppError(error, request, path, locale, allowedMethods) ?? unknownFailure(error, request, path, id)
      const response = problem(failure, path, locale, set.headers.vary)
      // For the request log.
      set.status = response.status
      return response
    })
    .headers(securityHeaders)
    .onRequest(({ request, set }) => {
      const given = request.headers.get('x-request-id')
      set.headers['x-request-id'] = given && saneId.test(given) ? given : crypto.randomUUID()
      // Otherwise CORS would answer it, as every OPTIONS.
      if (request.method === 'OPTIONS' && allowedMethods(new URL(request.url).pathname).length === 0)
        throw new NotFoundError()
    })
    .onParse({ as: 'global' }, ({ request, route }) => readBody(request, bodyLimitOf(route), largeBodies))
    // A schema whose every member is optional would let the empty object pass that stands for a bad body.
    .onBeforeHandle({ as: 'global' }, ({ request }) => {
      const fault = bodyFault(request)
      if (fault) throw fault
    })

/** What the failure is in product words, if it is one that is expected. */
function toAppError(
  error: unknown,
  request: Request,
  path: string,
  locale: Locale,
  allowedMethods: AllowedMethods,
): AppError | undefined {
  if (error instanceof AppError) return error
  const { method } = request
  const methods = allowedMethods(path)
  const notAllowed = () =>
    new AppError('method_not_allowed', { params: { method, allow: methods.join(', ') } })
  if (error instanceof ValidationError && error.type !== 'response') {
    // The router took a path that has a name for one with a parameter.
    if (error.type === 'params' && !methods.includes(method)) return notAllowed()
    return (
      bodyFault(request, error.type === 'body') ??
      new AppError('invalid_request', { members: { errors: fieldErrors(error, locale) } })
    )
  }
  if (!(error instanceof NotFoundError)) return undefined
  return methods.length > 0 ? notAllowed() : new AppError('not_found', { params: { path } })
}

/** Logged with its cause, and shown as nothing but the request's id. */
function unknownFailure(error: unknown, { method }: Request, path: string, id: string): AppError {
  log.error('{method} {path} failed, request {id}: {reason}', { method, path, id, reason: reason(error) })
  return new AppError('internal_error', { params: { id } })
}
