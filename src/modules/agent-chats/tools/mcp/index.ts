/** MCP servers plugged in as a source of tools. */
import { setTimeout } from 'node:timers/promises'
import type { ToolSource } from '../source.ts'
import type { AgentTool } from '../tool.ts'
import type { McpServer } from './servers.ts'

/** To load what it takes holds everybody up for some 50 ms; who waits for the start to be over comes first. */
const delayMs = 200

/** How long the first answers wait for servers to connect. What takes longer comes when it comes. */
const patienceMs = 2000

/** Connects in the background, once the server listens. */
export function openMcp(servers: McpServer[]): ToolSource {
  const end = new AbortController()
  /** What each has said last; nothing yet, or null where it is not to be had. */
  const said = new Map<string, AgentTool[] | null>()
  let tools: AgentTool[] = []
  const tried = Promise.withResolvers<void>()

  const hear = (name: string, list: AgentTool[] | null) => {
    said.set(name, list)
    // In the order of the file, whoever came first: a prompt that stays the same is cheaper.
    tools = servers.flatMap(server => said.get(server.name) ?? [])
    if (said.size === servers.length) tried.resolve()
  }
  const run = async () => {
    await setTimeout(delayMs, undefined, { signal: end.signal, ref: false }).catch(() => {})
    if (end.signal.aborted) return
    const { keepConnected } = await import('./connection.ts')
    await Promise.all(
      servers.map(server => keepConnected(server, list => hear(server.name, list), end.signal)),
    )
  }
  const ran = run()
  const ready = Promise.race([tried.promise, ran, Bun.sleep(patienceMs)])

  return {
    tools: () => tools,
    ready: () => ready,
    health: () =>
      Object.fromEntries(
        servers.map(({ name }) => {
          const list = said.get(name)
          return [
            name,
            { status: list ? ('healthy' as const) : ('unhealthy' as const), tools: list?.length ?? 0 },
          ]
        }),
      ),
    close: async () => {
      end.abort()
      await ran
    },
  }
}
