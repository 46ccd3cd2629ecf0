/** Every way a model API fails, as one code of ours. What it said itself reaches neither the wire nor the log. */
import { APICallError, type FinishReason, StreamProviderError } from 'ai'
import { AppError } from '../../errors.ts'

/** Seconds until another try makes sense, where the model API does not say. */
const retryAfterDefault = 10
/** A model API may ask for hours; a person is better told to come back sooner and see. */
const retryAfterMost = 3600

/** @param error what the AI SDK threw or reported */
export function modelFailure(error: unknown): AppError {
  if (error instanceof AppError) return error
  const cause = new Error(describe(error))
  // The request found no way there.
  if (APICallError.isInstance(error) && error.statusCode === undefined)
    return new AppError('model_unreachable', { cause, retryAfter: retryAfterDefault })
  if (codeOf(error) === 'context_length_exceeded') return new AppError('chat_too_long', { cause })
  switch (statusOf(error)) {
    // The answer had begun.
    case 200:
      return new AppError('model_cut_off', { cause })
    case 401:
    case 403:
    case 404:
      return new AppError('model_rejected_key', { cause })
    case 408:
    case 504:
      return new AppError('model_timeout', { cause })
    case 429:
    case 503:
    case 529:
      return new AppError('model_rate_limited', { cause, retryAfter: retryAfterOf(error) })
    default:
      return new AppError('model_failed', { cause })
  }
}

/** Whether the call was turned away before the model was asked. */
export const isRefusal = (error: unknown): boolean =>
  APICallError.isInstance(error) && error.statusCode !== 200

/** What the model's own word for the end of its answer means; null where nothing is amiss. */
export function failureOfFinish(finish: FinishReason | null): AppError | null {
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
      return new AppError('model_cut_off')
    default:
      return null
  }
}

const statusOf = (error: unknown): number | undefined =>
  APICallError.isInstance(error) || StreamProviderError.isInstance(error) ? error.statusCode : undefined

/** Retry-After is a number of seconds or a date (RFC 9110, 10.2.3). */
function retryAfterOf(error: unknown): number {
  const header = APICallError.isInstance(error) ? error.responseHeaders?.['retry-after'] : undefined
  if (!header) return retryAfterDefault
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000
  return Number.isNaN(seconds) ? retryAfterDefault : Math.min(Math.max(Math.ceil(seconds), 1), retryAfterMost)
}

/** For the log: no message, since it may repeat a key or what the person wrote. */
function describe(error: unknown): string {
  const status = statusOf(error)
  const name = error instanceof Error ? error.name : typeof error
  return [name, status && `status ${status}`, codeOf(error)].filter(Boolean).join(', ')
}

/** The word for programs in an OpenAI error, as context_length_exceeded, or in a network's, as ECONNREFUSED. */
function codeOf(error: unknown): string | undefined {
  if (!APICallError.isInstance(error)) return undefined
  const upstream = (error.data as { error?: { code?: unknown; type?: unknown } } | undefined)?.error
  const network = error.cause as { code?: unknown } | undefined
  return [upstream?.code, upstream?.type, network?.code].find(isWord)
}

/** Nothing with a digit: some servers repeat the key. */
const isWord = (value: unknown): value is string => typeof value === 'string' && /^[a-z_]{1,64}$/i.test(value)
