/** The OpenAPI document as a client reads it, and a check of values against its schemas. */
import Ajv2020 from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

type Content = Record<
  string,
  { schema: object; example?: unknown; examples?: Record<string, { value: unknown }> }
>
type Response = { description: string; headers?: Record<string, object>; content?: Content; $ref?: string }
type Parameter = {
  name: string
  in: string
  schema: object
  required?: boolean
  example?: unknown
  $ref?: string
}

export type Operation = {
  operationId: string
  summary: string
  tags: string[]
  security?: object[]
  parameters: Parameter[]
  requestBody?: { content: Content }
  responses: Record<string, Response>
}

export type Document = {
  openapi: string
  info: { version: string; description: string }
  servers: Array<{ url: string }>
  tags: Array<{ name: string; description: string }>
  paths: Record<string, Record<string, Operation>>
  components: {
    schemas: Record<string, object>
    responses: Record<string, Response>
    parameters: Record<string, Parameter>
  }
}

export type Place = Operation & { method: string; path: string }

export async function readDocument(url: string): Promise<Document> {
  const response = await fetch(`${url}/openapi.json`)
  if (response.status !== 200) throw new Error(`/openapi.json answered ${response.status}`)
  return (await response.json()) as Document
}

/** What stands in the document where there may be a reference. */
export const referred = <T extends { $ref?: string }>(document: Document, value: T): T =>
  value.$ref === undefined
    ? value
    : (value.$ref
        .slice('#/'.length)
        .split('/')
        .reduce((part: unknown, key) => (part as Record<string, unknown>)[key], document) as T)

export const operationsOf = ({ paths }: Document): Place[] =>
  Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ ...operation, method, path })),
  )

/** The path with its parameters' examples, without the prefix that the harness's client puts before it. */
export function exampleAddress({ path, parameters }: Place): string {
  const filled = parameters
    .filter(parameter => parameter.in === 'path')
    .reduce((filled, { name, example }) => filled.replace(`{${name}}`, String(example)), path)
  const query = parameters
    // A cursor is good only where it was given.
    .filter(parameter => parameter.in === 'query' && parameter.name !== 'cursor')
    .map(({ name, example }) => `${name}=${encodeURIComponent(String(example))}`)
  return [filled.replace('/api/v1', ''), query.join('&')].filter(Boolean).join('?')
}

/** What a value breaks of the schema that stands at these keys of the document; nothing where it fits. */
export function checker(document: Document) {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats(ajv)
  ajv.addSchema(document, 'document')
  return (value: unknown, ...keys: string[]): string[] => {
    const pointer = keys.map(key => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1')))
    const validate = ajv.getSchema(`document#/${pointer.join('/')}`)
    if (!validate) throw new Error(`The document has no schema at ${keys.join(' > ')}.`)
    return validate(value)
      ? []
      : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
  }
}
