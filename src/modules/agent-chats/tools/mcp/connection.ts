/** One MCP server: connected, watched, and connected anew when it is lost. Loaded with the setting alone. */
import { setTimeout } from 'node:timers/promises'
import type { MCPClient } from '@ai-sdk/mcp'
import { log } from '../../../../log.ts'
import type { AgentTool } from '../tool.ts'
import { connect, Lost } from './client.ts'
import type { McpServer } from './servers.ts'
import { type Definition, toolsOf } from './tools.ts'

/** For a server to list its tools. */
const listMs = 10_000
/** Between two looks at a server that gives no reason for one, and at one that gives many. */
const watchMs = 30_000
const restMs = 500
/** Before it is tried again: at first, and at most. */
const firstWaitMs = 1000
const longestWaitMs = 60_000
/** What held as long as this is waited for as at first. */
const steadyMs = 60_000

type Tell = (tools: AgentTool[] | null) => void

/**
 * Resolves after `end`, when nothing of the server is left. Never rejects.
 * @param tell hears which tools can be had, each time that changes; null: the server is not to be had
 */
export async function keepConnected(server: McpServer, tell: Tell, end: AbortSignal): Promise<void> {
  let failures = 0
  // The protocol's new way to begin is for those alone that know no other: some end at the sight of it.
  let discover = false
  while (!end.aborted) {
    const since = performance.now()
    let found = false
    const hear: Tell = tools => {
      found = true
      tell(tools)
    }
    const reason = await serve(server, discover, hear, end).catch(describe)
    tell(null)
    if (end.aborted) return
    if (!found) discover = !discover
    if (performance.now() - since > steadyMs) failures = 0
    const level = failures === 0 ? 'warn' : 'debug'
    log[level]('the MCP server {name} is not to be had: {reason}', { name: server.name, reason })
    await pause(waitMs(failures++), end)
  }
}

/** Rejects when the server is lost, or at the end. */
async function serve(server: McpServer, discover: boolean, tell: Tell, end: AbortSignal): Promise<never> {
  const gone = new AbortController()
  const over = AbortSignal.any([end, gone.signal])
  let doubt = new AbortController()
  const inDoubt = () => doubt.abort()
  const ended = () => gone.abort(new Lost('its process has ended'))
  const { client, close } = await connect(server, { discover, inDoubt, ended, over })
  try {
    for (let known = ''; ; ) {
      doubt = new AbortController()
      const definitions = await definitionsOf(client, over)
      const listed = JSON.stringify(definitions)
      if (listed !== known) tell(toolsOf(server, definitions, client, inDoubt))
      known = listed
      await pause(restMs, over)
      await pause(watchMs, AbortSignal.any([over, doubt.signal]))
      over.throwIfAborted()
    }
  } finally {
    await close()
  }
}

async function definitionsOf(client: MCPClient, over: AbortSignal): Promise<Definition[]> {
  const options = { signal: AbortSignal.any([over, AbortSignal.timeout(listMs)]) }
  const definitions: Definition[] = []
  let cursor: string | undefined
  do {
    const page = await client.listTools({ params: { cursor }, options })
    definitions.push(...page.tools)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return definitions
}

const pause = (ms: number, end: AbortSignal) =>
  setTimeout(ms, undefined, { signal: end, ref: false }).catch(() => {})

/** Longer each time, and not the same for all that were lost at once. */
const waitMs = (failures: number) =>
  Math.min(firstWaitMs * 2 ** failures, longestWaitMs) * (0.5 + Math.random() / 2)

/** For the log: no message of the server's or about its address, since both may hold secrets. */
function describe(error: unknown): string {
  const { name, message, statusCode, code, cause } = Object(error) as Record<string, unknown>
  if (error instanceof Lost) return String(message)
  if (name === 'TimeoutError') return 'no answer in time'
  if (statusCode) return `HTTP ${statusCode}`
  if (typeof code === 'number') return `error ${code} of the protocol`
  if (typeof code === 'string') return code
  return cause ? describe(cause) : String(name)
}
