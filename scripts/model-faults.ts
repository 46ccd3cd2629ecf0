/** Each way a model API fails, for docs/agent.md; test/harness/faults.ts brings each of them about. */
import type { ErrorCode } from '../src/errors.ts'

export type Fault = { what: string; code: ErrorCode; retryAfter?: string; check: string }

const fault = (what: string, code: ErrorCode, check: string, retryAfter?: string): Fault => ({
  what,
  code,
  check,
  retryAfter,
})

const address = '`OPENAI_BASE_URL`; whether that server runs and can be reached from here'
const nothing = ''

export const modelFaults = {
  refused: fault('it refuses the connection', 'model_unreachable', address, '10'),
  no_host: fault('its host has no address', 'model_unreachable', address, '10'),
  no_tls: fault(
    'TLS fails',
    'model_unreachable',
    'its certificate; http or https in `OPENAI_BASE_URL`',
    '10',
  ),
  hung_up: fault('it closes the connection before it answers', 'model_unreachable', address, '10'),
  unauthorized: fault('401', 'model_rejected_key', '`OPENAI_API_KEY`'),
  forbidden: fault('403', 'model_rejected_key', 'what the key may do'),
  no_model: fault(
    '404, or the word `model_not_found`',
    'model_not_found',
    '`AGENT_MODEL`, `AGENT_MODELS`; the path in `OPENAI_BASE_URL`',
  ),
  rejected: fault(
    '400, 422 or another 4xx',
    'model_rejected_request',
    'the word in the log; whether the model takes tools',
  ),
  no_credit: fault(
    '402, or 429 with `insufficient_quota`',
    'model_out_of_credit',
    'the bill at the provider',
  ),
  too_many: fault('429', 'model_rate_limited', "the provider's limits", 'theirs, an hour at most; else 10'),
  overloaded: fault('503, 529', 'model_rate_limited', nothing, 'theirs, an hour at most; else 10'),
  failed: fault('500 or another 5xx', 'model_failed', nothing),
  gave_up: fault('408, 504', 'model_timeout', nothing),
  too_long: fault(
    'the chat is longer than the model takes: its word for it, or 413',
    'chat_too_long',
    '`AGENT_CONTEXT_TOKENS`, which is to be less than the model takes',
  ),
  cut_before: fault('the connection is cut before the first word', 'model_cut_off', nothing),
  cut_within: fault('the connection is cut in mid-answer', 'model_cut_off', nothing),
  no_end: fault('the stream stops without saying that this is its end', 'model_cut_off', nothing),
  empty: fault('the stream has nothing in it', 'model_cut_off', nothing),
  error_first: fault(
    'an error instead of the first word',
    'model_failed',
    'the word in the log; it is told as its status would be',
  ),
  error_within: fault('an error in mid-answer', 'model_failed', 'the same'),
  bad_json: fault('what it streams is no JSON', 'model_not_understood', '`OPENAI_BASE_URL`, `OPENAI_API`'),
  other_json: fault(
    'what it streams is not of this API',
    'model_not_understood',
    '`OPENAI_API`: it may speak the other',
  ),
  page: fault('200 and no stream, but a page', 'model_not_understood', 'the path in `OPENAI_BASE_URL`'),
  silent_first: fault('no first word in time', 'model_timeout', '`AGENT_FIRST_TOKEN_SECONDS`'),
  silent_within: fault('silence in mid-answer', 'model_timeout', '`AGENT_SILENCE_SECONDS`'),
  endless: fault('the whole takes too long', 'run_timeout', '`AGENT_RUN_SECONDS`'),
  length: fault('it has said as much as it may', 'answer_too_long', "the model's limit of output"),
  filtered: fault('its content filter ends the answer', 'model_refused', nothing),
} satisfies Record<string, Fault>

export type FaultName = keyof typeof modelFaults
