/** What routes say of themselves for the API reference. */
import { t } from 'elysia'
import { errorCodes } from '../errors.ts'
import { statusOf } from './problem.ts'

const problemSchema = (status: number) =>
  t.Object(
    {
      type: t.Literal('about:blank'),
      title: t.String(),
      status: t.Literal(status),
      detail: t.String({ description: 'For the person, in their language' }),
      instance: t.String({ description: "The request's path" }),
      code: t.Union(errorCodes.filter(code => statusOf[code] === status).map(code => t.Literal(code))),
      errors: t.Optional(
        t.Array(t.Object({ pointer: t.String(), detail: t.String() }), { description: 'With 422' }),
      ),
    },
    { description: 'Problem document (RFC 9457)' },
  )

/** The response schemas of the error statuses a route may answer with. */
export const problems = <const Status extends number>(...statuses: Status[]) =>
  Object.fromEntries(statuses.map(status => [status, problemSchema(status)])) as Record<
    Status,
    ReturnType<typeof problemSchema>
  >

/** A route's `detail`. */
export const describe = (summary: string, description = '', { signedIn = false } = {}) => ({
  summary,
  description,
  ...(signedIn ? { security: [{ bearer: [] }] } : {}),
})

/** Answers 204. */
export function noContent(set: { status?: number | string }): void {
  set.status = 204
}
