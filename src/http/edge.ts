/** What every request meets first and every answer last: ids, headers, the body's reading, errors as problems. */
import { Elysia, ValidationError } from 'elysia'
import type { Config } from '../config.ts'
import { AppError, type ErrorCode } from '../errors.ts'
import { log, reason } from '../log.ts'
import type { Locale } from '../texts/index.ts'
import { type BodyContext, bodyError, readBody } from './body.ts'
import { fieldErrors } from './field-errors.ts'
import { localeOf } from './locale.ts'
import { problem, statusOf } from './problem.ts'

/** On every answer. The API holds personal data and no pages: nothing is to be kept, framed or run. */
const securityHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

const saneId = /^[\w.:-]{1,128}$/

type ErrorContext = {
  request: Request
  path: string
  set: { headers: Record<string, unknown> }
  bodyFault?: ErrorCode
}

/** @param allowedMethods the methods that a path is known under, for 405 */
export const edge = (config: Pick<Config, 'DEFAULT_LOCALE'>, allowedMethods: (path: string) => string[]) =>
  new Elysia({ name: 'edge' })
    .onError({ as: 'global' }, context => {
      const { request, path, set, error, bodyFault } = context as unknown as ErrorContext & { error: unknown }
      const locale = localeOf(request, config.DEFAULT_LOCALE)
      const failure = toAppError(error, { request, path, set, bodyFault }, locale, allowedMethods)
      if (statusOf[failure.code] === 500)
        log.error('{method} {path} failed, request {id}: {reason}', {
          method: request.method,
          path,
          id: set.headers['x-request-id'],
          reason: reason(error),
        })
      const allow = failure.options.params?.allow
      return problem(failure, path, locale, allow ? { allow: String(allow) } : {})
    })
    .headers(securityHeaders)
    .onRequest(({ request, set }) => {
      const given = request.headers.get('x-request-id')
      set.headers['x-request-id'] = given && saneId.test(given) ? given : crypto.randomUUID()
    })
    .onParse({ as: 'global' }, context => readBody(context))
    // A schema whose every member is optional would let the empty object pass that stands for a bad body.
    .onBeforeHandle({ as: 'global' }, context => {
      const { bodyFault } = context as BodyContext
      if (bodyFault) throw bodyError(bodyFault)
    })

function toAppError(
  error: unknown,
  { request, path, set, bodyFault }: ErrorContext,
  locale: Locale,
  allowedMethods: (path: string) => string[],
): AppError {
  if (error instanceof AppError) return error
  if (error instanceof ValidationError && error.type !== 'response') {
    if (bodyFault) return bodyError(bodyFault)
    return new AppError('invalid_request', { members: { errors: fieldErrors(error, locale) } })
  }
  if (hasCode(error, 'NOT_FOUND')) {
    const allow = allowedMethods(path).join(', ')
    return allow
      ? new AppError('method_not_allowed', { params: { method: request.method, allow } })
      : new AppError('not_found', { params: { path } })
  }
  return new AppError('internal_error', { params: { id: String(set.headers['x-request-id']) } })
}

const hasCode = (error: unknown, code: string) =>
  error instanceof Error && 'code' in error && error.code === code
