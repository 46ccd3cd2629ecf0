/** What the reference says of failures. Its examples are made by what makes the real ones. */
import { AppError, type ErrorCode, type ErrorOptions } from '../../errors.ts'
import { bodyBytes } from '../../limits.ts'
import { textsIn } from '../../texts/index.ts'
import { problem, statusOf } from '../problem.ts'
import { headersNamed } from './headers.ts'
import type { Schema } from './schemas.ts'

/** What any request may meet, whatever its route. */
const anywhere: ErrorCode[] = [
  'bad_host',
  'not_found',
  'method_not_allowed',
  'body_too_large',
  'internal_error',
]

/** Where an operation is, its parameters filled in, and a field of what it is sent. */
export type Place = { path: string; pointer: string }

const problemReference: Schema = { $ref: '#/components/schemas/Problem' }

export const problemSchema: Schema = {
  type: 'object',
  description: 'Problem document (RFC 9457, formerly RFC 7807)',
  properties: {
    type: { const: 'about:blank' },
    title: { type: 'string', description: "The status's phrase" },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'For the person, in their language' },
    instance: { type: 'string', description: "The request's path" },
    code: { type: 'string', description: 'For programs, stable', enum: Object.keys(statusOf) },
    errors: {
      type: 'array',
      description: 'With invalid_request and model_not_available: what is wrong with which field',
      items: {
        type: 'object',
        properties: { pointer: { type: 'string' }, detail: { type: 'string' } },
        required: ['pointer', 'detail'],
      },
    },
    session_id: { type: 'string', format: 'uuid', description: 'With a run that failed: its chat' },
    events: {
      type: 'array',
      description: 'With a run that failed: its events so far',
      items: { $ref: '#/components/schemas/Event' },
    },
  },
  required: ['type', 'title', 'status', 'detail', 'instance', 'code'],
}

/** The response of one status, with every code an operation may give it. */
export function problemResponse(status: string, codes: ErrorCode[], place: Place) {
  const narrowed = { properties: { status: { const: Number(status) }, code: { enum: codes } } }
  return response(codes, place, { allOf: [problemReference, narrowed] })
}

/** The response of every other status. */
export async function anyOtherProblem() {
  const place = { path: '/api/v1/users/me', pointer: '/body' }
  const { description, ...other } = await response(anywhere, place, problemReference)
  return { ...other, description: `What any request may meet:\n${description}` }
}

async function response(codes: ErrorCode[], place: Place, schema: Schema) {
  const answers = codes.map(code => answerOf(code, place))
  const values = await Promise.all(answers.map(answer => answer.json() as Promise<{ detail: string }>))
  return {
    description: codes.map((code, index) => `- \`${code}\`: ${values[index]?.detail}`).join('\n'),
    headers: headersNamed('X-Request-Id', ...answers.flatMap(({ headers }) => [...headers.keys()])),
    content: {
      'application/problem+json': {
        schema,
        examples: Object.fromEntries(codes.map((code, index) => [code, { value: values[index] }])),
      },
    },
  }
}

function answerOf(code: ErrorCode, place: Place): Response {
  const options = optionsOf(code, place)
  const allow = options.params?.allow
  return problem(new AppError(code, options), place.path, 'en', allow ? { allow: String(allow) } : {})
}

/** What a failure of this code carries, as an example. */
function optionsOf(code: ErrorCode, { path, pointer }: Place): ErrorOptions {
  switch (code) {
    case 'invalid_request':
      return { members: { errors: [{ pointer, detail: textsIn('en').fields.required }] } }
    case 'model_not_available':
      return { pointer: '/body/model' }
    case 'body_too_large':
      return { params: { max: bodyBytes } }
    case 'not_found':
      return { params: { path } }
    case 'method_not_allowed':
      return { params: { method: 'PUT', allow: 'GET, HEAD, PATCH' } }
    case 'internal_error':
      return { params: { id: '5e6d1c0a-0b77-4f2e-9d3a-7a1f8a2c9b10' } }
    case 'token_budget_spent':
      return { params: { max: 1_000_000 }, retryAfter: 36_000 }
    case 'too_many_runs':
      return { params: { max: 3 }, retryAfter: 5 }
    default:
      return [429, 503].includes(statusOf[code]) ? { retryAfter: 10 } : {}
  }
}
