/** Every error leaves as application/problem+json (RFC 7807, RFC 9457) through this file. */
import type { AppError, ErrorCode, Failure } from '../errors.ts'
import { fill, type Locale, textsIn } from '../texts/index.ts'

export const statusOf = {
  bad_host: 400,
  unauthenticated: 401,
  invalid_credentials: 401,
  invalid_code: 401,
  invalid_refresh_token: 401,
  forbidden: 403,
  tool_denied: 403,
  not_found: 404,
  user_not_found: 404,
  chat_not_found: 404,
  run_not_found: 404,
  message_not_found: 404,
  call_not_found: 404,
  attachment_not_found: 404,
  method_not_allowed: 405,
  body_too_slow: 408,
  run_in_progress: 409,
  run_cancelled: 409,
  call_answered: 409,
  message_id_taken: 409,
  body_too_large: 413,
  attachments_too_large: 413,
  invalid_request: 422,
  malformed_json: 422,
  malformed_form: 422,
  unsupported_media_type: 422,
  username_taken: 422,
  redirect_not_allowed: 422,
  model_not_available: 422,
  idempotency_key_reused: 422,
  unsupported_attachment: 422,
  attachment_too_long: 422,
  attachment_space_full: 422,
  images_not_supported: 422,
  rate_limited: 429,
  too_many_runs: 429,
  token_budget_spent: 429,
  internal_error: 500,
  model_failed: 502,
  model_rejected_key: 502,
  model_not_found: 502,
  model_rejected_request: 502,
  model_out_of_credit: 502,
  model_not_understood: 502,
  model_cut_off: 502,
  model_refused: 502,
  chat_too_long: 502,
  answer_too_long: 502,
  tool_failed: 502,
  invalid_tool_call: 502,
  model_rate_limited: 503,
  model_unreachable: 503,
  run_interrupted: 503,
  server_busy: 503,
  codes_unavailable: 503,
  storage_unavailable: 503,
  stopping: 503,
  model_timeout: 504,
  run_timeout: 504,
  tool_timeout: 504,
} as const satisfies Record<ErrorCode, number>

export type Status = (typeof statusOf)[ErrorCode]
export type CodeOf<Of extends Status> = {
  [Code in ErrorCode]: (typeof statusOf)[Code] extends Of ? Code : never
}[ErrorCode]

const titles: Record<Status, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

/** The sentence of a failure, for a person. */
export const detailOf = ({ code, retryAfter = 1, params }: Failure, locale: Locale): string =>
  fill(textsIn(locale).errors[code], { seconds: retryAfter, ...params })

/** Where clients of OpenAI's API look for what went wrong in `error`. */
const openaiPath = '/api/v1/openai/'
const openaiError = (error: AppError, locale: Locale) => ({
  message: detailOf(error.failure, locale),
  code: error.code,
  type: statusOf[error.code] < 500 ? 'invalid_request_error' : 'server_error',
})

/**
 * @param path the request's path, without its query
 * @param vary what the answer depends on besides the language, as CORS has it
 */
export function problem(error: AppError, path: string, locale: Locale, vary?: unknown): Response {
  const status = statusOf[error.code]
  const headers = new Headers(vary ? { vary: String(vary) } : {})
  headers.set('content-type', 'application/problem+json')
  headers.set('content-language', locale)
  headers.set('cache-control', 'no-store')
  headers.append('vary', 'Accept-Language')
  if (status === 401) headers.set('www-authenticate', 'Bearer')
  if (error.options.params?.allow !== undefined) headers.set('allow', String(error.options.params.allow))
  if (error.options.retryAfter !== undefined) headers.set('retry-after', String(error.options.retryAfter))
  const detail = detailOf(error.failure, locale)
  const { pointer } = error.options
  const body = {
    type: 'about:blank',
    title: titles[status],
    status,
    detail,
    instance: path,
    code: error.code,
    ...(path.startsWith(openaiPath) && { error: openaiError(error, locale) }),
    ...(pointer && { errors: [{ pointer, detail: fieldDetail(error, detail, locale) }] }),
    ...error.options.members,
  }
  return new Response(JSON.stringify(body), { status, headers })
}

/** That the request is not valid says nothing of a field. */
const fieldDetail = ({ code }: AppError, detail: string, locale: Locale): string =>
  code === 'invalid_request' ? textsIn(locale).fields.invalid : detail
