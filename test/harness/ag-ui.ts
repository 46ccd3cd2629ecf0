/** The client of AG-UI, unmodified, and what arrives at it. */
import { HttpAgent, type Message, type RunAgentParameters } from '@ag-ui/client'

// biome-ignore lint/suspicious/noExplicitAny: tests look into events freely
type Event = any

export type AgUiClient = ReturnType<typeof agUiClient>

export function agUiClient(
  url: string,
  { access_token }: { access_token: string },
  { threadId, query = '', language = 'en' }: { threadId?: string; query?: string; language?: string } = {},
) {
  const agent = new HttpAgent({
    url: `${url}/api/v1/agent-chats/ag-ui${query}`,
    headers: { authorization: `Bearer ${access_token}`, 'accept-language': language },
    threadId,
  })
  const events: Event[] = []
  const watchers = new Set<() => void>()
  agent.subscribe({
    onEvent: ({ event }) => {
      events.push(event)
      for (const look of watchers) look()
    },
  })

  /** What arrives in one run; the client's own check of its order and form has passed where this resolves. */
  async function run(parameters: RunAgentParameters = {}) {
    const from = events.length
    await quietly(() => agent.runAgent(parameters))
    return events.slice(from)
  }

  return {
    agent,
    events,
    run,
    /** A new message, answered. */
    say(content: string, parameters: RunAgentParameters = {}, id: string = crypto.randomUUID()) {
      agent.addMessage({ id, role: 'user', content })
      return run(parameters)
    },
    /** Resolves with the first event of that type, from now or before. */
    until: (type: string) =>
      new Promise<Event>(resolve => {
        const look = () => {
          const found = events.find(event => event.type === type)
          if (found) resolve(found)
        }
        watchers.add(look)
        look()
      }),
    /** The conversation as the client has it, without ids. */
    conversation: () => agent.messages.map(said),
  }
}

export const typesOf = (events: Event[]) => events.map(({ type }) => String(type))

/** It prints what it throws. */
async function quietly(run: () => Promise<unknown>) {
  const { error } = console
  console.error = () => {}
  await run().finally(() => {
    console.error = error
  })
}

const said = (message: Message): [string, string] => {
  const calls = message.role === 'assistant' ? (message.toolCalls ?? []) : []
  const called = calls.map(({ function: { name, arguments: args } }) => `${name}(${args})`)
  return [message.role, [message.content, ...called].filter(Boolean).join(' ')]
}
