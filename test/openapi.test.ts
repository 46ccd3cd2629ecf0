/** The API reference says what the routes do, and all of it. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Kind } from '@sinclair/typebox'
import { version } from '../package.json' with { type: 'json' }
import { buildApp } from '../src/app.ts'
import { type ErrorCode, errorCodes } from '../src/errors.ts'
import { statusOf } from '../src/http/problem.ts'
import { startApp, type TestApp } from './harness/app.ts'
import {
  checker,
  type Document,
  exampleAddress,
  operationsOf,
  type Place,
  readDocument,
} from './harness/openapi.ts'

const problemType = 'application/problem+json'

let app: TestApp
let document: Document
let operations: Place[]
let breaches: ReturnType<typeof checker>
beforeAll(async () => {
  app = await startApp()
  document = await readDocument(app.url)
  operations = operationsOf(document)
  breaches = checker(document)
})
afterAll(() => app.stop())

const operation = (id: string) => operations.find(({ operationId }) => operationId === id)!

/** The codes that an operation names, by status; the keys are the examples' names. */
const codesOf = ({ responses }: Place): Array<[status: string, code: ErrorCode]> =>
  Object.entries(responses).flatMap(([status, { content }]) =>
    Object.keys(content?.[problemType]?.examples ?? {}).map((code): [string, ErrorCode] => [
      status,
      code as ErrorCode,
    ]),
  )

describe('GET /openapi.json', () => {
  const settings = [
    {},
    { PUBLIC_URL: 'https://chat.example.com/parley/' },
    { CORS_ORIGINS: 'https://a.example' },
  ]
  test.each(settings)('is valid OpenAPI 3.1, by an independent validator, with %j', async environment => {
    const other = await startApp(environment)
    const validator = new Validator()
    expect(await validator.validate({ ...(await readDocument(other.url)) })).toEqual({ valid: true })
    expect(validator.version).toBe('3.1')
    // Throws where a reference leads nowhere.
    validator.resolveRefs()
    await other.stop()
  })

  test('counts lengths as the routes do, which is in characters', () => {
    const wrong = buildApp(app.services).routes.flatMap(({ method, path, hooks }) =>
      [hooks.body, hooks.query, hooks.params, hooks.headers]
        .flatMap(within)
        .filter(({ [Kind]: kind, maxLength, pattern }) => kind === 'String' && maxLength && !pattern)
        .map(schema => `${method} ${path}: ${JSON.stringify(schema)}`),
    )
    expect(wrong).toEqual([])
  })

  test('lets null be wherever a type says so', () => {
    const nullable = within(document).filter(({ type }) => Array.isArray(type) && type.includes('null'))
    expect(nullable.length).toBeGreaterThan(0)
    expect(nullable.filter(({ enum: values }) => values && !values.includes(null))).toEqual([])
  })

  type Schema = { [Kind]?: string; type?: unknown; enum?: unknown[]; maxLength?: number; pattern?: string }

  /** A schema and all that it is made of. */
  const within = (schema: unknown): Schema[] =>
    typeof schema === 'object' && schema !== null ? [schema, ...Object.values(schema).flatMap(within)] : []

  test('names the address people use first, then its own', async () => {
    expect(document.servers.map(({ url }) => url)).toEqual(['.'])
    const other = await startApp({ PUBLIC_URL: 'https://chat.example.com/parley/' })
    const { servers } = await readDocument(other.url)
    expect(servers.map(({ url }) => url)).toEqual(['https://chat.example.com/parley', '.'])
    await other.stop()
  })

  test('bears the version of the program', () => {
    expect(document.info.version).toBe(version)
  })

  test('has every route with every status, and no other', () => {
    const routes = buildApp(app.services)
      .routes.filter(({ path }) => !/^\/(docs.*|openapi\.json)?$/.test(path))
      .map(({ method, path, hooks }) => [
        `${method} ${path.replace(/:(\w+)/g, '{$1}')}`,
        [...Object.keys(hooks.response), 'default'].sort(),
      ])
    const documented = operations.map(({ method, path, responses }) => [
      `${method.toUpperCase()} ${path}`,
      Object.keys(responses).sort(),
    ])
    expect(documented.sort()).toEqual(routes.sort())
  })

  test('names its operations as generated clients know them', () => {
    expect(operations.map(({ operationId }) => operationId).sort()).toEqual([
      'answerApproval',
      'beginSignUp',
      'cancelRun',
      'changeChat',
      'changeMyProfile',
      'createChatCompletion',
      'deleteChat',
      'findAccount',
      'findUser',
      'followRun',
      'getAttachment',
      'getChat',
      'getHealth',
      'getInfraHealth',
      'getMyProfile',
      'getMyUsage',
      'getReadiness',
      'getRun',
      'getUiChat',
      'giveResult',
      'listChats',
      'listMessages',
      'listModels',
      'listOpenaiModels',
      'refreshTokens',
      'regenerate',
      'resendCode',
      'resumeUiStream',
      'runByAgUi',
      'sendMessage',
      'sendUiMessage',
      'signIn',
      'signOut',
      'stopUiChat',
      'verifyCode',
    ])
  })

  test('says how long a text may be', () => {
    const { Message, SignUp, ProfileChange } = document.components.schemas as Record<string, unknown>
    expect(Message).toMatchObject({
      properties: { message: { type: 'string', minLength: 1, maxLength: 8000 } },
    })
    expect(SignUp).toMatchObject({
      properties: { password: { type: 'string', minLength: 6, maxLength: 256 } },
    })
    expect(ProfileChange).toMatchObject({ properties: { bio: { type: ['string', 'null'], maxLength: 200 } } })
  })

  test('describes every tag that is used, and every response', () => {
    expect([...new Set(operations.flatMap(({ tags }) => tags))].sort()).toEqual(
      document.tags.map(({ name }) => name).sort(),
    )
    const undescribed = operations.flatMap(({ operationId, responses }) =>
      Object.entries(responses)
        .filter(([, { description, $ref }]) => !description && !$ref)
        .map(([status]) => `${operationId} ${status}`),
    )
    expect(undescribed).toEqual([])
  })

  test('has an example for every body, parameter and answer, and each fits its schema', () => {
    const wrong = operations.flatMap(({ path, method, operationId, parameters, requestBody, responses }) => {
      const at = ['paths', path, method]
      return [
        ...parameters
          .filter(({ $ref }) => !$ref)
          .flatMap(({ example }, index) => breaches(example, ...at, 'parameters', String(index), 'schema')),
        ...examplesIn(requestBody?.content, [...at, 'requestBody']),
        ...Object.entries(responses).flatMap(([status, { content }]) =>
          examplesIn(content, [...at, 'responses', status]),
        ),
      ].map(breach => `${operationId}: ${breach}`)
    })
    expect(wrong).toEqual([])
    expect(
      examplesIn(document.components.responses.Problem?.content, ['components', 'responses', 'Problem']),
    ).toEqual([])
  })

  const examplesIn = (content: Place['responses'][string]['content'] = {}, at: string[]): string[] =>
    Object.entries(content).flatMap(([type, { example, examples }]) => {
      const values = examples ? Object.values(examples).map(({ value }) => value) : [example]
      return values.flatMap(value => breaches(value, ...at, 'content', type, 'schema'))
    })
})

describe('its errors', () => {
  test('are problem documents, each code under its status', () => {
    for (const each of operations)
      for (const [status, code] of codesOf(each)) expect(String(statusOf[code])).toBe(status)
    for (const { responses } of operations)
      for (const [status, { content, $ref }] of Object.entries(responses))
        if (Number(status) >= 400 && !$ref) expect(Object.keys(content ?? {})).toEqual([problemType])
  })

  test('are all there: with an operation, with any request, or in an event', () => {
    const anywhere = Object.keys(
      document.components.responses.Problem?.content?.[problemType]?.examples ?? {},
    )
    const named = new Set([...operations.flatMap(codesOf).map(([, code]) => code), ...anywhere])
    const inEventsOnly = ['tool_failed', 'tool_timeout', 'tool_denied', 'invalid_tool_call']
    expect([...named, ...inEventsOnly].sort()).toEqual([...errorCodes].sort())
    for (const code of errorCodes) expect(document.info.description).toContain(`\`${code}\``)
  })

  test('name the headers that come with them', () => {
    const headers = (id: string, status: string) =>
      Object.keys(operation(id).responses[status]?.headers ?? {})
    expect(headers('signIn', '401')).toEqual(['X-Request-Id', 'Content-Language', 'WWW-Authenticate'])
    expect(headers('signIn', '429')).toEqual(['X-Request-Id', 'Content-Language', 'Retry-After'])
    expect(headers('signIn', '503')).toContain('Retry-After')
    expect(Object.keys(document.components.responses.Problem?.headers ?? {})).toContain('Allow')
  })
})

describe('what it says', () => {
  test('of signing in is so: without a token 401 where it asks for one, and nowhere else', async () => {
    for (const each of operations) {
      const { status, body } = await app.call(each.method.toUpperCase(), exampleAddress(each))
      const asksForToken = each.security !== undefined
      expect([each.operationId, status === 401 && body.code === 'unauthenticated']).toEqual([
        each.operationId,
        asksForToken,
      ])
      expect(codesOf(each).some(([, code]) => code === 'unauthenticated')).toBe(asksForToken)
    }
  })

  // In the document's order: the code of the example is not the one that was mailed, and nobody's account is Alice's yet.
  const statuses: Record<string, number> = {
    beginSignUp: 202,
    resendCode: 204,
    verifyCode: 401,
    signIn: 401,
    refreshTokens: 401,
    signOut: 204,
    findAccount: 403,
    getMyProfile: 200,
    getMyUsage: 200,
    changeMyProfile: 200,
    findUser: 200,
    sendMessage: 200,
    listModels: 200,
    listChats: 200,
    getChat: 404,
    listMessages: 404,
    changeChat: 404,
    deleteChat: 404,
    regenerate: 404,
    getAttachment: 404,
    runByAgUi: 200,
    getRun: 404,
    followRun: 404,
    cancelRun: 404,
    answerApproval: 404,
    giveResult: 404,
    createChatCompletion: 200,
    listOpenaiModels: 200,
    sendUiMessage: 200,
    getUiChat: 200,
    resumeUiStream: 204,
    stopUiChat: 204,
    getInfraHealth: 200,
    getReadiness: 200,
    getHealth: 200,
  }

  test('of requests and answers is so: each example is taken, and what comes fits its schema', async () => {
    const bob = await app.newUser()
    for (const [id, expected] of Object.entries(statuses)) {
      const each = operation(id)
      const body = each.requestBody?.content['application/json']?.example
      const answer = await app.as(bob)(each.method.toUpperCase(), exampleAddress(each), body)
      expect([id, answer.status]).toEqual([id, expected])

      const { headers = {}, content = {} } = each.responses[String(expected)]!
      expect(Object.keys(headers).filter(name => !answer.headers.has(name))).toEqual([])
      if (expected === 204) continue
      const type = answer.headers.get('content-type')?.split(';')[0] ?? ''
      expect(Object.keys(content)).toContain(type)
      const at = ['paths', each.path, each.method, 'responses', String(expected), 'content', type, 'schema']
      expect(breaches(answer.body, ...at)).toEqual([])
    }
    expect(Object.keys(statuses).sort()).toEqual(operations.map(({ operationId }) => operationId).sort())
  })

  test('of an event stream is so: the example and the real one are frames of the same form', async () => {
    const carol = await app.newUser()
    const { body: real } = await app.as(carol)(
      'POST',
      '/agent-chats',
      { message: 'What time is it?' },
      { accept: 'text/event-stream' },
    )
    const example = operation('sendMessage').responses['200']?.content?.['text/event-stream']?.example
    for (const stream of [real, example]) {
      const frames = framesOf(String(stream))
      expect(frames.flatMap(({ event }) => breaches(event, 'components', 'schemas', 'Event'))).toEqual([])
      expect(frames.map(({ id }) => id)).toEqual(
        frames.map(({ id }) => id).toSorted((one, other) => one - other),
      )
      const types = frames.map(({ event }) => event.type)
      expect([types[0], types.at(-1)]).toEqual(['RUN_STARTED', 'RUN_FINISHED'])
    }
    expect(new Set(framesOf(String(example)).map(({ event }) => event.type))).toEqual(
      new Set(framesOf(String(real)).map(({ event }) => event.type)),
    )
  })
})

/** Throws where a frame is not an id and an event. */
const framesOf = (stream: string): Array<{ id: number; event: { type: string } }> =>
  stream
    .split('\n\n')
    .filter(Boolean)
    .map(frame => {
      const [, id, data] = /^id: (\d+)\ndata: (.+)$/.exec(frame) ?? []
      return { id: Number(id), event: JSON.parse(data ?? '') }
    })

describe('the page', () => {
  const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    fetch(`${app.url}${path}`, { method, headers, redirect: 'manual', decompress: false })
  const parts = async () =>
    [
      ...(await (await get('/docs', { 'accept-encoding': 'identity' })).text()).matchAll(
        /(?:src|href)="(docs\/[^"]+)"/g,
      ),
    ].map(([, path]) => `/${path}`)

  test('may run, show and ask for nothing but what its own server has', async () => {
    const policy = (await get('/docs')).headers.get('content-security-policy')
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'; ")
    expect(policy).not.toMatch(/unsafe|https?:|\*/)
  })

  test('has its parts kept for ever, under addresses that change with them', async () => {
    const paths = await parts()
    expect(paths.map(path => path.split('/').at(-1))).toEqual([
      'icon.png',
      'LICENSE',
      'NOTICE',
      'LICENSE.txt',
      'swagger-ui.css',
      'swagger-ui-bundle.js',
      'start.js',
    ])
    for (const path of paths) expect((await get(path)).headers.get('cache-control')).toContain('immutable')
    const answer = await app.call('GET', '/../../docs/0/start.js')
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found'])
  })

  test.each(['/docs', '/openapi.json'])(
    '%s is asked for anew, and sent only where it has changed',
    async path => {
      const first = await get(path)
      expect(first.headers.get('cache-control')).toBe('no-cache')
      const again = await get(path, { 'if-none-match': first.headers.get('etag') ?? '' })
      expect([again.status, await again.text()]).toEqual([304, ''])
      expect((await get(path, { 'if-none-match': 'W/"other"' })).status).toBe(200)
    },
  )

  test.each(['gzip, br', 'identity', 'gzip;q=0'])('comes compressed where %s allows it', async accepted => {
    const compressed = accepted.startsWith('gzip,')
    for (const path of ['/docs', '/openapi.json', ...(await parts())]) {
      const answer = await get(path, { 'accept-encoding': accepted })
      expect(answer.headers.get('vary')).toBe('Accept-Encoding')
      expect(answer.headers.get('content-encoding')).toBe(compressed ? 'gzip' : null)
      const [one, two] = new Uint8Array(await answer.arrayBuffer())
      expect(one === 0x1f && two === 0x8b).toBe(compressed)
    }
  })

  test('is where the address of the server alone leads', async () => {
    const root = await get('/')
    expect([root.status, root.headers.get('location')]).toEqual([302, 'docs'])
    const followed = await fetch(`${app.url}/`)
    expect([followed.url, followed.status]).toEqual([`${app.url}/docs`, 200])
  })

  test('is led to where its relative addresses hold, and answers HEAD', async () => {
    const slashed = await get('/docs/')
    expect([slashed.status, slashed.headers.get('location')]).toEqual([308, '../docs'])
    const head = await get('/docs', {}, 'HEAD')
    expect([head.status, await head.text()]).toEqual([200, ''])
  })
})
