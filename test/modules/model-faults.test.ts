/** docs/agent.md's table of faults, held against models that fail: each fault, over both APIs, on every wire. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type Fault, modelFaults } from '../../scripts/model-faults.ts'
import { statusOf } from '../../src/http/problem.ts'
import { en } from '../../src/texts/en.ts'
import { fill } from '../../src/texts/index.ts'
import type { TestApp } from '../harness/app.ts'
import { startExecutable, tidy } from '../harness/executable.ts'
import { faultNames, faults, leakyKey, marker, messageFor, startFaults } from '../harness/faults.ts'
import { captureLog } from '../harness/log.ts'
import { apis } from '../harness/model.ts'

type Person = Awaited<ReturnType<TestApp['newUser']>>
type Told = { code: unknown; detail: unknown; said: string }
// biome-ignore lint/suspicious/noExplicitAny: tests look into frames freely
type Frame = any

/** The frames of a stream that are JSON. */
const framesOf = (stream: string): Frame[] =>
  [...stream.matchAll(/^data: (\{.*\})$/gm)].map(([, data]) => JSON.parse(data!))
const joined = (frames: Frame[], deltaOf: (frame: Frame) => unknown) =>
  frames.map(frame => deltaOf(frame) ?? '').join('')

/** On each wire: what is asked, and what is told of the failure. */
const wires: Record<
  string,
  (ask: (path: string, body: object, accept?: string) => Promise<Answer>, message: string) => Promise<Told>
> = {
  async json(ask, message) {
    const { status, headers, body } = await ask('/agent-chats', { message })
    expect([status, headers.get('content-type')]).toEqual([
      statusOf[body.code as keyof typeof statusOf],
      'application/problem+json',
    ])
    const { type, code, error } = body.events.at(-1)
    expect([type, code, error]).toEqual(['RUN_ERROR', body.code, body.detail])
    return { code, detail: body.detail, said: joined(body.events, ({ delta }) => delta) }
  },
  async sse(ask, message) {
    const events = framesOf((await ask('/agent-chats', { message }, 'text/event-stream')).body)
    const { type, code, error } = events.at(-1)
    expect(type).toBe('RUN_ERROR')
    for (const opened of ['TEXT_MESSAGE', 'TOOL_CALL'])
      expect(events.filter(event => event.type === `${opened}_START`).length).toBe(
        events.filter(event => event.type === `${opened}_END`).length,
      )
    return { code, detail: error, said: joined(events, ({ delta }) => delta) }
  },
  async ui(ask, message) {
    const messages = [{ id: 'one', role: 'user', parts: [{ type: 'text', text: message }] }]
    const { body } = await ask('/agent-chats/ui', { id: crypto.randomUUID(), messages })
    const chunks = framesOf(body)
    expect(body).toEndWith('data: [DONE]\n\n')
    const { errorText } = chunks.find(({ type }) => type === 'error')
    return { code: undefined, detail: errorText, said: joined(chunks, ({ delta }) => delta) }
  },
  async agUi(ask, message) {
    const messages = [{ id: 'one', role: 'user', content: message }]
    const input = { threadId: crypto.randomUUID(), runId: 'run', messages, tools: [], context: [] }
    const events = framesOf((await ask('/agent-chats/ag-ui', input)).body)
    const { type, code, message: detail } = events.at(-1)
    expect(type).toBe('RUN_ERROR')
    return { code, detail, said: joined(events, ({ delta }) => delta) }
  },
  async openai(ask, message) {
    const messages = [{ role: 'user', content: message }]
    const { body } = await ask('/openai/chat/completions', { messages, stream: true })
    const chunks = framesOf(body)
    expect(body).toEndWith('data: [DONE]\n\n')
    const { code, message: detail } = chunks.at(-1).error
    return { code, detail, said: joined(chunks, ({ choices }) => choices?.[0]?.delta.content) }
  },
  async openaiJson(ask, message) {
    const messages = [{ role: 'user', content: message }]
    const { status, body } = await ask('/openai/chat/completions', { messages })
    expect(status).toBe(statusOf[body.code as keyof typeof statusOf])
    return { code: body.error.code, detail: body.error.message, said: '' }
  },
}
type Answer = Awaited<ReturnType<ReturnType<TestApp['as']>>>

let log: ReturnType<typeof captureLog>
beforeAll(() => {
  log = captureLog()
})
afterAll(async () => {
  log.stop()
  await tidy()
})

describe.each(apis)('a model API that fails, over the %s API', api => {
  let models: Awaited<ReturnType<typeof startFaults>>
  const people = new Map<TestApp, Person>()
  beforeAll(async () => {
    models = await startFaults(api)
  })
  afterAll(() => models.stop())

  test.each(faultNames)('%s', async name => {
    const { code, retryAfter }: Fault = modelFaults[name]
    const app = await models.app(name)
    const alice = people.get(app) ?? (await app.newUser())
    people.set(app, alice)
    log.lines.length = 0
    const answers: Answer[] = []
    const ask = async (path: string, body: object, accept = 'application/json') => {
      const answer = await app.as(alice)('POST', path, body, { accept })
      answers.push(answer)
      return answer
    }
    const seconds = retryAfter ? (faults[name].retryAfter ?? 10) : 0
    const detail = fill(en.errors[code], { seconds })

    const told = await Promise.all(
      Object.entries(wires).map(async ([wire, tell]) => [wire, await tell(ask, messageFor(name))] as const),
    )
    for (const [wire, { code: told_, detail: sentence, said }] of told) {
      expect([wire, sentence]).toEqual([wire, detail])
      if (wire !== 'ui') expect([wire, told_]).toEqual([wire, code])
      if (wire !== 'openaiJson') expect([wire, said]).toEqual([wire, faults[name].said ?? ''])
    }
    const problems = answers.filter(({ status }) => status !== 200)
    expect(problems).toHaveLength(2)
    for (const { headers } of problems)
      expect(headers.get('retry-after')).toBe(seconds ? String(seconds) : null)

    // Each run is in the log with its code, and nothing of what the model API said is anywhere.
    expect(log.lines.filter(line => line.includes(code)).length).toBe(told.length)
    const seen = JSON.stringify([answers.map(({ body }) => body), log.lines])
    for (const hidden of [leakyKey, marker, messageFor(name)]) expect(seen).not.toContain(hidden)
  })

  test('the process prints nothing of it either, whatever the log level', async () => {
    for (const name of ['unauthorized', 'bad_json', 'cut_within', 'refused'] as const) {
      const env = { ...models.settingsOf(name), MAIL: 'log', LOG_LEVEL: 'debug' }
      const server = await startExecutable({ env })
      const bob = await server.newUser()
      const { body } = await server.as(bob)('POST', '/agent-chats', { message: messageFor(name) })
      // Not killed, which could take its last lines with it.
      server.signal('SIGTERM')
      await server.exited
      expect(body.code).toBe(modelFaults[name].code)
      expect(server.output()).toContain(body.code)
      for (const hidden of [leakyKey, marker, messageFor(name)]) expect(server.output()).not.toContain(hidden)
    }
  }, 60_000)
})
