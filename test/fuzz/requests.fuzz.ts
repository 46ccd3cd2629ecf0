/** Requests of every operation of the OpenAPI document: what comes back is what the document says. */
import { afterAll, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { Answer } from '../harness/client.ts'
import { checker, operationsOf, type Place, readDocument, referred } from '../harness/openapi.ts'
import { holds } from './holds.ts'
import { beyondSchema, Known } from './known.ts'
import { startServer } from './server.ts'
import { requestOf, shotAt } from './shot.ts'

const server = await startServer()
const document = await readDocument(server.url)
for (const operation of Object.values(document.paths).flatMap(methods => Object.values(methods)))
  operation.parameters = operation.parameters.map(parameter => referred(document, parameter))
const breaches = checker(document)
// Whole, they would drown what failed.
const places = operationsOf(document).map(place => ({
  ...place,
  [fc.toStringMethod]: () => place.operationId,
}))
const known = await Known.populate(server)
const answered = new Map(places.map(({ operationId }) => [operationId, new Map<number, number>()]))

afterAll(async () => {
  report()
  await server.stop()
})

holds(
  'every operation answers as it is documented, takes what fits, and nothing else',
  () =>
    fc.asyncProperty(fc.oneof(...places.map(place => shotAt(place, document))), async shot => {
      const { place, accept, caller } = shot
      const { parameters, path, headers, body, token } = requestOf(shot, known)
      const answer = await server.call(place.method.toUpperCase(), path.replace('/api/v1', ''), body, {
        ...headers,
        accept,
        'x-forwarded-for': server.nobody(),
        ...(token && { authorization: `Bearer ${token}` }),
      })
      count(place, answer)
      if (answer.status < 300) known.learn(answer.body)

      expect(undocumented(place, answer)).toEqual([])
      const { code } = answer.body
      if (caller === 'nobody' || caller === 'a forger')
        expect(code === 'unauthenticated').toBe(place.security !== undefined)
      if (code === 'unauthenticated') return known.forget(token)
      const misfits = misfitsOfBody(place, body)
      if (misfits.length > 0) expect(answer.status, misfits.join()).toBeGreaterThanOrEqual(400)
      else if (areFitting(place, parameters))
        expect(isRefusal(answer) && answer.body, 'it fits; a rule that no schema says: known.ts').toBe(false)
    }),
  7,
)

test('and the server has logged no error', () => server.expectToBeWell())

/** Whether it says that the request did not fit. */
const isRefusal = ({ body: { code, errors } }: Answer): boolean =>
  code === 'malformed_json' ||
  code === 'unsupported_media_type' ||
  (code === 'invalid_request' && !beyondSchema.some(place => errors[0].pointer.startsWith(place)))

const atOf = ({ path, method }: Place) => ['paths', path, method]

const misfitsOfBody = (place: Place, body: unknown): string[] =>
  place.requestBody?.content['application/json']
    ? breaches(body, ...atOf(place), 'requestBody', 'content', 'application/json', 'schema')
    : []

const areFitting = (place: Place, parameters: Record<string, unknown>): boolean =>
  place.parameters.every(({ name, required }, index) =>
    name in parameters
      ? breaches(parameters[name], ...atOf(place), 'parameters', String(index), 'schema').length === 0
      : !required,
  )

/** What of an answer the document does not say. */
function undocumented(place: Place, { status, headers, body }: Answer): string[] {
  if (status >= 500) return [`${status} ${body.code}`]
  const own = place.responses[status]
  const at = own ? [...atOf(place), 'responses', String(status)] : ['components', 'responses', 'Problem']
  const { content = {} } = own ?? document.components.responses.Problem!
  const type = headers.get('content-type')?.split(';')[0] ?? null
  const wanted = status >= 400 ? ['application/problem+json'] : Object.keys(content)
  if (!(type === null ? wanted.length === 0 : wanted.includes(type))) return [`${status} as ${type}`]
  if (type === null) return []
  const codes = Object.keys(content[type]?.examples ?? {})
  return [
    ...(content[type]?.schema ? breaches(body, ...at, 'content', type, 'schema') : []),
    ...(status >= 400 && !codes.includes(body.code) ? [`${status} with ${body.code}`] : []),
    ...(status === 429 && !headers.has('retry-after') ? ['429 without Retry-After'] : []),
    ...(status === 401 && !headers.has('www-authenticate') ? ['401 without WWW-Authenticate'] : []),
  ]
}

function count({ operationId }: Place, { status }: Answer): void {
  const counts = answered.get(operationId)!
  counts.set(status, (counts.get(status) ?? 0) + 1)
}

function report(): void {
  for (const [operation, counts] of answered) {
    const all = [...counts]
      .sort(([one], [other]) => one - other)
      .map(([status, times]) => `${status} ×${times}`)
    console.log(`${operation}: ${all.join(', ')}`)
  }
}
