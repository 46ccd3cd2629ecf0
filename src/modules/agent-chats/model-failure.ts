/** Every way a model API fails, as one code of ours. What it said itself reaches neither the wire nor the log. */
import {
  APICallError,
  EmptyResponseBodyError,
  type FinishReason,
  JSONParseError,
  TypeValidationError,
} from 'ai'
import { AppError, type ErrorCode } from '../../errors.ts'

/** Seconds until another try makes sense, where the model API does not say. */
const retryAfterDefault = 10
/** A model API may ask for hours; a person is better told to come back sooner and see. */
const retryAfterMost = 3600

/** By the words that OpenAI, and those who speak its API, have for programs. */
const codeOfWord = new Map<string, ErrorCode>([
  ['context_length_exceeded', 'chat_too_long'],
  // llama.cpp
  ['exceed_context_size_error', 'chat_too_long'],
  ['insufficient_quota', 'model_out_of_credit'],
  ['billing_hard_limit_reached', 'model_out_of_credit'],
  ['model_not_found', 'model_not_found'],
  // Azure
  ['DeploymentNotFound', 'model_not_found'],
  ['invalid_api_key', 'model_rejected_key'],
  ['content_filter', 'model_refused'],
  ['content_policy_violation', 'model_refused'],
])

const codeOfStatus: Record<number, ErrorCode> = {
  // The answer had begun.
  200: 'model_cut_off',
  401: 'model_rejected_key',
  402: 'model_out_of_credit',
  403: 'model_rejected_key',
  404: 'model_not_found',
  408: 'model_timeout',
  413: 'chat_too_long',
  429: 'model_rate_limited',
  503: 'model_rate_limited',
  504: 'model_timeout',
  529: 'model_rate_limited',
}

/** @param error what the AI SDK threw or reported */
export function modelFailure(error: unknown): AppError {
  if (error instanceof AppError) return error
  const code = codeOf(error)
  const retryAfter =
    code === 'model_rate_limited'
      ? retryAfterOf(error)
      : code === 'model_unreachable'
        ? retryAfterDefault
        : undefined
  return new AppError(code, { cause: new Error(describe(error)), retryAfter })
}

/** Whether the call was turned away before the model was asked. */
export const isRefusal = (error: unknown): boolean =>
  APICallError.isInstance(error) && error.statusCode !== 200

/**
 * What the model's own word for the end of its answer means; null where nothing is amiss.
 * @param type of the response
 */
export function failureOfFinish(finish: FinishReason | null, type: string | undefined): AppError | null {
  switch (finish) {
    case 'length':
      return new AppError('answer_too_long')
    case 'content-filter':
      return new AppError('model_refused')
    case 'error':
      return new AppError('model_failed')
    // A stream that just stops.
    case null:
    case 'interrupted':
      return new AppError(type?.startsWith('text/event-stream') ? 'model_cut_off' : 'model_not_understood')
    default:
      return null
  }
}

function codeOf(error: unknown): ErrorCode {
  if (isUnreachable(error)) return 'model_unreachable'
  const code = wordsOf(error)
    .map(word => codeOfWord.get(word))
    .find(code => code !== undefined)
  if (code) return code
  const status = statusOf(error)
  if (status === undefined) return isUnreadable(error) ? 'model_not_understood' : 'model_failed'
  if (status === 400 && saysTooLong(error)) return 'chat_too_long'
  return codeOfStatus[status] ?? (status < 500 ? 'model_rejected_request' : 'model_failed')
}

/** The request found no way there. */
const isUnreachable = (error: unknown): boolean =>
  APICallError.isInstance(error) && error.statusCode === undefined && error.responseHeaders === undefined

/** No JSON, or not that of the API. */
const isUnreadable = (error: unknown): boolean =>
  [JSONParseError, TypeValidationError, EmptyResponseBodyError, APICallError].some(kind =>
    kind.isInstance(error),
  )

/** Of the response, or what its provider makes of an error frame in a stream. */
function statusOf(error: unknown): number | undefined {
  const { statusCode } = Object(error) as { statusCode?: unknown }
  return typeof statusCode === 'number' ? statusCode : undefined
}

/** Some servers have no word for it. */
const saysTooLong = (error: unknown): boolean =>
  APICallError.isInstance(error) && /context (length|size|window)/i.test(error.responseBody ?? '')

/** Retry-After is a number of seconds or a date (RFC 9110, 10.2.3). */
function retryAfterOf(error: unknown): number {
  const header = APICallError.isInstance(error) ? error.responseHeaders?.['retry-after'] : undefined
  if (!header) return retryAfterDefault
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000
  return Number.isNaN(seconds) ? retryAfterDefault : Math.min(Math.max(Math.ceil(seconds), 1), retryAfterMost)
}

/**
 * For the log: no message, since it may repeat a key or what the person wrote, and of words those alone that are
 * known, since some servers repeat the key there too.
 */
function describe(error: unknown): string {
  const status = statusOf(error)
  const name = error instanceof Error ? error.name : 'error in the stream'
  const word = wordsOf(error).find(word => codeOfWord.has(word) || spoken.has(word))
  return [name, status && `status ${status}`, word ?? networkCode(error)].filter(Boolean).join(', ')
}

/** Those that say no more than a status does, except to an operator. */
const spoken = new Set([
  'rate_limit_exceeded',
  'server_error',
  'invalid_request_error',
  'unsupported_parameter',
  'unsupported_value',
  'invalid_value',
  'authentication_error',
  'permission_error',
  'overloaded_error',
])

type Upstream = { code?: unknown; type?: unknown; error?: Upstream; response?: Upstream }

/** The words for programs in an OpenAI error, or in a frame of a stream that is one. */
function wordsOf(error: unknown): string[] {
  const data = (error as { data?: unknown } | null)?.data as Upstream | null | undefined
  const places = [error as Upstream, data, data?.error, data?.response?.error]
  return places
    .flatMap(place => [place?.code, place?.type])
    .filter((word): word is string => typeof word === 'string')
}

/** As ECONNREFUSED: of the network alone, so nobody else's word. */
function networkCode(error: unknown): string | undefined {
  const cause = APICallError.isInstance(error) ? error.cause : undefined
  return cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
}
