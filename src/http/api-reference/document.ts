/** The OpenAPI document: what the generator reads off the routes, in the words of OpenAPI 3.1, and what it leaves out. */
import type { AnyElysia } from 'elysia'
import { version } from '../../../package.json' with { type: 'json' }
import { Asset } from './asset.ts'
import { description } from './description.ts'
import { generate } from './generate.ts'
import { acceptLanguage, headers } from './headers.ts'
import { operation } from './operation.ts'
import { anyOtherProblem, problemSchema } from './problem-responses.ts'
import { Schemas } from './schemas.ts'

const tags = [
  {
    name: 'Auth',
    description: 'Signing up by a code sent to the mailbox, signing in and out, staying signed in',
  },
  { name: 'Users', description: 'Profiles' },
  { name: 'Agent Chat', description: 'Talking with the agent' },
  { name: 'OpenAI', description: "The agent, for clients of OpenAI's API" },
  { name: 'Infra', description: 'Whether the server and its parts work' },
]

/** @param publicUrl where people reach the server, if it was told */
export async function documentAsset(routes: AnyElysia['routes'], publicUrl?: string): Promise<Asset> {
  const document = await openApiDocument(routes, publicUrl)
  return Asset.of(JSON.stringify(document), {
    'content-type': 'application/json',
    'cache-control': 'no-cache',
  })
}

async function openApiDocument(routes: AnyElysia['routes'], publicUrl?: string) {
  const schemas = new Schemas()
  const paths: Record<string, Record<string, unknown>> = {}
  for (const [path, operations] of Object.entries(await generate(routes)))
    for (const [method, raw] of Object.entries(operations))
      paths[path] = { ...paths[path], [method]: await operation(path, raw, schemas) }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Parley',
      version,
      description: description(),
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [
      ...(publicUrl ? [{ url: publicUrl.replace(/\/+$/, '') }] : []),
      { url: '.', description: 'Where this document comes from' },
    ],
    tags,
    paths,
    components: {
      schemas: { ...schemas.components, Problem: problemSchema },
      responses: { Problem: await anyOtherProblem() },
      parameters: { 'Accept-Language': acceptLanguage },
      headers,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'An access token' },
      },
    },
  }
}
