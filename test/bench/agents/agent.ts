/** What answers with streamed words, started for one row. */
import { compile } from '../floors/compile.ts'
import type { Ask } from '../generators/ask.ts'
import { startParley } from '../parley.ts'
import { populate } from '../people.ts'
import { folder, type Server, script, serve } from '../processes.ts'

export type Agent = Server & { ask(message: string): Ask }

/** How many streams anybody may have, and outgoing requests besides. Bun allows 256 unless told. */
const atOnce = 10_000
export const manyRequests = { BUN_CONFIG_MAX_HTTP_REQUESTS: String(atOnce) }

/** The model API itself, asked directly: what the others add to. */
export async function startModel(): Promise<Agent> {
  const server = await serve(script('floors/model-api.ts'))
  const body = (content: string) =>
    JSON.stringify({ model: 'bench', stream: true, messages: [{ role: 'user', content }] })
  return {
    ...server,
    ask: message => ({
      url: `${server.url}/v1/chat/completions`,
      headers: {},
      body: body(message),
      mark: '"content":',
    }),
  }
}

export async function startParleyAgent(model: Server): Promise<Agent> {
  const dataDir = folder()
  const [person] = await populate(dataDir, 1000, 1)
  const server = await startParley(dataDir, {
    OPENAI_BASE_URL: `${model.url}/v1`,
    AGENT_MODEL: 'bench',
    AGENT_MAX_RUNS: String(atOnce),
    // Nor do the others ask the model for one.
    AGENT_TITLES: 'message',
  })
  return {
    ...server,
    ask: message => ({
      url: `${server.url}/agent-chats`,
      headers: { accept: 'text/event-stream', authorization: `Bearer ${person!.accessToken}` },
      body: JSON.stringify({ message }),
      mark: '"type":"TEXT_MESSAGE_CONTENT"',
    }),
  }
}

let pipe: Promise<string> | null = null

export async function startPipe(model: Server): Promise<Agent> {
  pipe ??= compile('pipe')
  const environment = { ...manyRequests, OPENAI_BASE_URL: `${model.url}/v1` }
  const server = await serve([await pipe], { environment })
  return {
    ...server,
    ask: message => ({
      url: `${server.url}/chat`,
      headers: {},
      body: JSON.stringify({ message }),
      mark: '"type":"text-delta"',
    }),
  }
}
