/** A reader of server-sent events, strict about their form. */
import type { EventView } from '../../src/modules/agent-chats/schema.ts'

export type Arrived = { id: number | null; event: EventView; at: number }

/** The same events without ids of this one run. */
export type EventStream = Awaited<ReturnType<typeof openEventStream>>

export async function openEventStream(
  url: string,
  token: string,
  body: object,
  headers: Record<string, string> = {},
) {
  return read(`${url}/api/v1/agent-chats`, token, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

/** A run, from after a place. */
export async function followRun(url: string, token: string, session: string, run: string, after?: number) {
  const headers: Record<string, string> = after === undefined ? {} : { 'last-event-id': String(after) }
  return read(`${url}/api/v1/agent-chats/${session}/runs/${run}/events`, token, { headers })
}

async function read(url: string, token: string, request: RequestInit & { headers: Record<string, string> }) {
  const leave = new AbortController()
  const response = await fetch(url, {
    ...request,
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream', ...request.headers },
    signal: leave.signal,
  })
  const frames = response.ok ? framesOf(response) : null
  const comments: string[] = []

  /** The next event; null at the end of the stream. */
  async function next(): Promise<Arrived | null> {
    for (;;) {
      const { value, done } = (await frames?.next()) ?? { value: undefined, done: true }
      if (done || value === undefined) return null
      if (value.startsWith(':')) comments.push(value)
      else return eventOf(value)
    }
  }

  async function until(type: string): Promise<Arrived> {
    for (;;) {
      const arrived = await next()
      if (!arrived) throw new Error(`the stream ended before ${type}`)
      if (arrived.event.type === type) return arrived
    }
  }

  async function rest(): Promise<Arrived[]> {
    const all: Arrived[] = []
    for (let arrived = await next(); arrived; arrived = await next()) all.push(arrived)
    return all
  }

  return { response, comments, next, until, rest, leave: () => leave.abort() }
}

async function* framesOf(response: Response): AsyncGenerator<string> {
  let waiting = ''
  for await (const bytes of response.body!.pipeThrough(new TextDecoderStream())) {
    waiting += bytes
    for (let end = waiting.indexOf('\n\n'); end >= 0; end = waiting.indexOf('\n\n')) {
      yield waiting.slice(0, end)
      waiting = waiting.slice(end + 2)
    }
  }
  if (waiting) throw new Error(`an unfinished frame: ${waiting}`)
}

function eventOf(frame: string): Arrived {
  const match = /^(?:id: (\d+)\n)?data: (\{.*\})$/.exec(frame)
  if (!match) throw new Error(`not a frame: ${frame}`)
  return {
    id: match[1] ? Number(match[1]) : null,
    event: JSON.parse(match[2]!) as EventView,
    at: performance.now(),
  }
}
