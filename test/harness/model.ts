/** Real HTTP model APIs on free loopback ports: one that answers by fixtures, one that misbehaves as told. */
import { type ChatMessage, type FixtureOpts, type FixtureResponse, LLMock } from '@copilotkit/aimock'
import { stopwatch } from './stopwatch.ts'

export type Api = 'responses' | 'chat'
export const apis: Api[] = ['chat', 'responses']

/** The key that Parley sends; it must show up nowhere else. */
export const modelKey = 'sk-test-4b1d0c9e7f'

export const environment = (baseUrl: string, api: Api): Record<string, string> => ({
  OPENAI_BASE_URL: baseUrl,
  OPENAI_API_KEY: modelKey,
  OPENAI_API: api,
  AGENT_MODEL: 'gpt-4o',
})

/** Speaks both APIs. What it says is decided by the last message of the user that it is sent. */
export async function startModel() {
  const mock = new LLMock({ host: '127.0.0.1', port: 0, logLevel: 'silent' })
  await mock.start()
  const prompts = () =>
    mock.getRequests().map(({ body }) => (body as unknown as { messages: ChatMessage[] }).messages)
  return {
    environment: (api: Api) => environment(`${mock.url}/v1`, api),
    /** Says this to messages that contain the text, whatever came before. */
    says: (to: string, response: FixtureResponse, options?: FixtureOpts) =>
      void mock.on({ userMessage: to, hasToolResult: false }, response as never, options),
    /** Says this once it has the result of a tool. */
    concludes: (to: string, response: FixtureResponse) =>
      void mock.on({ userMessage: to, hasToolResult: true }, response as never),
    /** What it was sent, a list of messages a request. */
    prompts,
    lastPrompt: () => prompts().at(-1) ?? [],
    requests: () => mock.getRequests(),
    /** What its journal has of tokens: those that it has told to the end of a call. */
    told: () => mock.getRequests().reduce((sum, { response }) => sum + tokensTold(response), 0),
    stop: () => mock.stop(),
  }
}

type Usage = ReturnType<typeof usage>

/** A usage of so many tokens in and out, by the names of both APIs. */
export const usage = (input: number, output: number) => ({
  usage: { prompt_tokens: input, completion_tokens: output, input_tokens: input, output_tokens: output },
})

type Served = { status: number; interrupted?: boolean; fixture: { response: unknown } | null }

function tokensTold({ status, interrupted, fixture }: Served): number {
  if (status !== 200 || interrupted || !fixture) return 0
  const { usage } = fixture.response as Partial<Usage>
  return (usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0)
}

/** What the raw model does once it has been sent a message: lines of a stream, or a whole response. */
export type Script = (signal: AbortSignal) => AsyncGenerator<string> | Response

type Scripts = Record<string, Script> | ((asked: string) => Script | undefined)

/**
 * Says what its scripts say, well-formed or not: the script is found by the last message of the user.
 * @param port a stopped one's, to take its place
 */
export function startRawModel(scripts: Scripts, api: Api = 'chat', port = 0) {
  const scriptFor = (asked: string) => (typeof scripts === 'function' ? scripts(asked) : scripts[asked])
  const requests: Array<{ headers: Headers; body: Record<string, unknown> }> = []
  const aborted: string[] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port,
    idleTimeout: 0,
    async fetch(request) {
      const body = (await request.json()) as Record<string, unknown>
      requests.push({ headers: request.headers, body })
      const asked = lastMessage(body)
      request.signal.addEventListener('abort', () => aborted.push(asked))
      const said =
        scriptFor(asked)?.(request.signal) ?? new Response(`no script for ${asked}`, { status: 404 })
      return said instanceof Response
        ? said
        : new Response(said as unknown as ReadableStream, {
            headers: { 'content-type': 'text/event-stream' },
          })
    },
  })
  return {
    environment: environment(`http://127.0.0.1:${server.port}/v1`, api),
    port: server.port!,
    requests,
    /** The messages whose requests were closed by Parley before their end. */
    aborted,
    /** Throws where the request is not closed within two seconds. */
    async untilAborted(asked: string): Promise<void> {
      for (const took = stopwatch(); !aborted.includes(asked); await Bun.sleep(1))
        if (took() > 2000) throw new Error(`not closed within 2 s: the request of ${asked}`)
    },
    stop: () => server.stop(true),
  }
}

type Asked = { role?: string; content: string | Array<{ text?: string }> }

/** The user's, in a request of either API. */
function lastMessage(body: Record<string, unknown>): string {
  const messages = (body.messages ?? body.input) as Asked[]
  const content = messages.findLast(({ role }) => role === 'user')?.content ?? ''
  return typeof content === 'string' ? content : content.flatMap(({ text }) => text ?? []).join()
}

/** A line of a Chat Completions stream. */
export const chunk = (delta: object, finish_reason: string | null = null) =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-raw',
    object: 'chat.completion.chunk',
    created: 0,
    model: 'raw',
    choices: [{ index: 0, delta, finish_reason }],
  })}\n\n`

export const word = (content: string) => chunk({ content })
export const end = `${chunk({}, 'stop')}data: [DONE]\n\n`

export const line = (event: object) => `data: ${JSON.stringify(event)}\n\n`
const response = { id: 'resp_raw', created_at: 0, model: 'raw', service_tier: null }
const item = { type: 'message', id: 'msg_raw' }
/** The end of an answer in the Responses API, and why. */
const ending = (type: string, reason?: string) =>
  line({
    type,
    response: {
      ...response,
      ...(reason && { incomplete_details: { reason } }),
      usage: { input_tokens: 1, output_tokens: 1 },
    },
  })

/** What both APIs say alike, each in lines of its own. */
export const speech: Record<
  Api,
  {
    begin: string
    word(text: string): string
    end: string
    /** A whole answer that calls a tool. */
    call(name: string, args: string): string
    tooLong: string
    filtered: string
    error(error: object): string
  }
> = {
  chat: {
    begin: '',
    word,
    end,
    call: (name, args) =>
      chunk({
        tool_calls: [{ index: 0, id: 'call_raw', type: 'function', function: { name, arguments: args } }],
      }) +
      chunk({}, 'tool_calls') +
      'data: [DONE]\n\n',
    tooLong: chunk({}, 'length'),
    filtered: chunk({}, 'content_filter'),
    error: error => line({ error }),
  },
  responses: {
    begin:
      line({ type: 'response.created', response }) +
      line({ type: 'response.output_item.added', output_index: 0, item }),
    word: delta => line({ type: 'response.output_text.delta', item_id: item.id, output_index: 0, delta }),
    end: ending('response.completed'),
    call(name, args) {
      const item = { type: 'function_call', id: 'fc_raw', call_id: 'call_raw', name, arguments: args }
      return (
        line({ type: 'response.created', response }) +
        line({ type: 'response.output_item.added', output_index: 0, item: { ...item, arguments: '' } }) +
        line({
          type: 'response.output_item.done',
          output_index: 0,
          item: { ...item, status: 'completed' },
        }) +
        ending('response.completed')
      )
    },
    tooLong: ending('response.incomplete', 'max_output_tokens'),
    filtered: ending('response.incomplete', 'content_filter'),
    error: error => line({ type: 'response.failed', sequence_number: 9, response: { ...response, error } }),
  },
}

let calls = 0

/** All that a model says that wants to use tools; arguments as a text are said as they are. */
export const toolCalls = (...tools: Array<{ name: string; args: object | string }>) =>
  chunk({
    tool_calls: tools.map(({ name, args }, index) => ({
      index,
      id: `call_${++calls}`,
      type: 'function',
      function: { name, arguments: typeof args === 'string' ? args : JSON.stringify(args) },
    })),
  }) +
  chunk({}, 'tool_calls') +
  'data: [DONE]\n\n'
