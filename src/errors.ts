/**
 * The closed list of what can go wrong in product words. Its sentences are in texts/ under the same key,
 * its HTTP statuses in http/problem.ts.
 */
export const errorCodes = [
  'invalid_request',
  'malformed_json',
  'malformed_form',
  'unsupported_media_type',
  'body_too_large',
  'body_too_slow',
  'bad_host',
  'unauthenticated',
  'invalid_credentials',
  'invalid_code',
  'invalid_refresh_token',
  'forbidden',
  'not_found',
  'user_not_found',
  'chat_not_found',
  'run_not_found',
  'message_not_found',
  'call_not_found',
  'attachment_not_found',
  'method_not_allowed',
  'username_taken',
  'redirect_not_allowed',
  'model_not_available',
  'rate_limited',
  'too_many_runs',
  'token_budget_spent',
  'run_in_progress',
  'run_cancelled',
  'call_answered',
  'message_id_taken',
  'idempotency_key_reused',
  'unsupported_attachment',
  'attachments_too_large',
  'attachment_too_long',
  'attachment_space_full',
  'images_not_supported',
  'model_failed',
  'model_rejected_key',
  'model_not_found',
  'model_rejected_request',
  'model_out_of_credit',
  'model_not_understood',
  'model_cut_off',
  'model_refused',
  'model_rate_limited',
  'model_unreachable',
  'model_timeout',
  'run_timeout',
  'chat_too_long',
  'answer_too_long',
  'run_interrupted',
  'tool_failed',
  'tool_timeout',
  'tool_denied',
  'invalid_tool_call',
  'server_busy',
  'codes_unavailable',
  'storage_unavailable',
  'stopping',
  'internal_error',
] as const

export type ErrorCode = (typeof errorCodes)[number]

export type ErrorOptions = {
  /** Values for the placeholders of the sentence. */
  params?: Record<string, string | number>
  /** Seconds until another try makes sense; becomes Retry-After. */
  retryAfter?: number
  /** Members added to the problem document. */
  members?: Record<string, unknown>
  /** A JSON pointer to the field that is to blame. */
  pointer?: string
  /** For the log alone. */
  cause?: unknown
  /** Of a tool's failure, for the model alone: what it is told instead of the code. */
  forModel?: string
}

/** A failure as data. */
export type Failure = { code: ErrorCode } & Pick<ErrorOptions, 'params' | 'retryAfter'>

/** Why the server cannot start, as a sentence for whoever starts it. */
export class StartError extends Error {}

/** A failure that a person is told about: a code of the list above and what belongs in its sentence. */
export class AppError extends Error {
  constructor(
    readonly code: ErrorCode,
    readonly options: ErrorOptions = {},
  ) {
    super(code, { cause: options.cause })
  }

  /** As it is told and kept: what its sentence needs, and nothing of its cause. */
  get failure(): Failure {
    const { params, retryAfter } = this.options
    return { code: this.code, params, retryAfter }
  }
}
