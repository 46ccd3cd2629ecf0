import { swagger } from '@elysiajs/swagger'
import { type AnyElysia, Elysia } from 'elysia'
import type { ErrorCode } from '../../errors.ts'
import type { Schema } from './schemas.ts'

export type Content = { 'application/json': { schema: Schema } }

/** An operation as the generator writes it. */
export type RawOperation = {
  operationId: string
  parameters?: Array<Schema & { name: string; in: string; required: boolean; schema: Schema }>
  requestBody?: { content: Content }
  /** By status. Some of a schema's keywords stand beside `content`. */
  responses: Record<string, Schema & { codes?: ErrorCode[]; content?: Content }>
  /** Members of `detail` pass through. */
  eventStream?: string
  form?: Schema
  files?: string[]
}

/** By path and method. */
export type RawPaths = Record<string, Record<string, RawOperation>>

/** Has the generator read a copy of the routes that does nothing but bear their schemas. */
export async function generate(routes: AnyElysia['routes']): Promise<RawPaths> {
  const copy = new Elysia()
  for (const { method, path, hooks } of routes) {
    const { body, query, params, headers, response, detail } = hooks
    copy.route(method, path, nothing, { body, query, params, headers, response, detail, parse: 'json' })
  }
  copy.use(swagger({ path: '/reference', excludeMethods: ['OPTIONS'] }))
  const answer = await copy.handle(new Request('http://localhost/reference/json'))
  const { paths } = (await answer.json()) as { paths: RawPaths }
  return paths
}

const nothing = () => {}
