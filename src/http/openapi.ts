/** What routes say of themselves for the API reference. */
import type { TUnsafe } from '@sinclair/typebox'
import { t } from 'elysia'
import type { ErrorCode } from '../errors.ts'
import { type CodeOf, type Status, statusOf } from './problem.ts'

/** What the reading of a JSON body may end in, before any rule is asked. */
export const badBody = ['invalid_request', 'malformed_json', 'unsupported_media_type'] as const

/** And that of one larger than a form. */
export const largeBody = ['body_too_slow', 'server_busy'] as const

export type Problem<Of extends Status, Code extends ErrorCode> = {
  type: 'about:blank'
  title: string
  status: Of
  detail: string
  instance: string
  code: Code
  errors?: Array<{ pointer: string; detail: string }>
}

/**
 * The response schemas of the failures a route may answer with, one a status. They carry types for clients and
 * codes for the API reference, and nothing to check: errors do not pass Elysia's validation of responses.
 * One call a route: of two, the second's statuses would hide the first's.
 */
export function problems<const Code extends ErrorCode>(...codes: Code[]) {
  const byStatus = Object.entries(Object.groupBy(codes, code => statusOf[code]))
  return Object.fromEntries(byStatus.map(([status, codes]) => [status, t.Any({ codes })])) as {
    [Of in (typeof statusOf)[Code]]: TUnsafe<Problem<Of, Code & CodeOf<Of>>>
  }
}

/**
 * A route's `detail`. The id is what generated clients name the operation by, so it stays as it is;
 * `eventStream` is an example of what is answered as text/event-stream. Beside it may stand `form`, the schema of
 * the body as multipart/form-data, and `files`, the types of what is answered as it is.
 */
export const describe = (
  operationId: string,
  summary: string,
  description?: string,
  eventStream?: string,
) => ({ operationId, summary, description, eventStream })

/** Answers 204. */
export function noContent(set: { status?: number | string }): void {
  set.status = 204
}
