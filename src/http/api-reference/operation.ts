import type { RawOperation } from './generate.ts'
import { headersNamed } from './headers.ts'
import { type Place, problemResponse } from './problem-responses.ts'
import { exampleOf, type Schema, type Schemas } from './schemas.ts'

/** One operation, with an example of all that is sent and answered. */
export async function operation(path: string, raw: RawOperation, schemas: Schemas) {
  const { parameters = [], requestBody, responses, eventStream, form, files, ...said } = raw
  const place = placeOf(path, raw)
  const answers: Record<string, unknown> = { default: { $ref: '#/components/responses/Problem' } }
  for (const [status, response] of Object.entries(responses))
    answers[status] = response.codes
      ? await problemResponse(status, response.codes, place)
      : success(response, schemas, eventStream, files)
  return {
    ...said,
    parameters: [
      ...parameters.map(parameter => withExample(parameter, schemas)),
      { $ref: '#/components/parameters/Accept-Language' },
    ],
    ...(requestBody && {
      requestBody: {
        required: true,
        content: {
          ...json(requestBody.content['application/json'].schema, schemas),
          ...(form && { 'multipart/form-data': { schema: schemas.take(form), example: exampleOf(form) } }),
        },
      },
    }),
    responses: answers,
  }
}

function success(
  { description, content, ...keywords }: RawOperation['responses'][string],
  schemas: Schemas,
  eventStream?: string,
  files: string[] = [],
) {
  return {
    description,
    headers: headersNamed('X-Request-Id'),
    ...(content && {
      content: {
        ...(content['application/json'].schema.type &&
          json({ ...content['application/json'].schema, ...keywords }, schemas)),
        ...(eventStream && {
          'text/event-stream': { schema: { type: 'string' }, example: eventStream },
        }),
        ...Object.fromEntries(
          files.map(type => [type, { schema: { type: 'string', contentMediaType: type }, example: '…' }]),
        ),
      },
    }),
  }
}

const json = (schema: Schema, schemas: Schemas) => ({
  'application/json': { schema: schemas.take(schema), example: exampleOf(schema) },
})

type Parameter = NonNullable<RawOperation['parameters']>[number]

const withExample = ({ schema, examples, ...said }: Parameter, schemas: Schemas) => ({
  ...said,
  schema: schemas.take(schema),
  example: examples?.[0],
})

function placeOf(path: string, { parameters = [], requestBody }: RawOperation): Place {
  const filled = parameters.reduce(
    (path, { name, examples }) => path.replace(`{${name}}`, String(examples?.[0])),
    path,
  )
  const [field] = Object.keys(requestBody?.content['application/json'].schema.properties ?? {})
  const [parameter] = parameters
  const pointer = parameter ? `/${segmentOf[parameter.in]}/${parameter.name}` : `/body/${field}`
  return { path: filled, pointer }
}

/** Where pointers to parameters begin, by OpenAPI's word for their place. */
const segmentOf: Record<string, string> = { path: 'params', query: 'query', header: 'headers' }
