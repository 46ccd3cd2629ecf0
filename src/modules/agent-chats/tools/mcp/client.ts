/** An MCP server is reached: over HTTP, or as a process of ours. */
import { createMCPClient, type MCPClient } from '@ai-sdk/mcp'
import { version } from '../../../../../package.json' with { type: 'json' }
import type { McpServer } from './servers.ts'
import { StdioTransport } from './stdio.ts'

/** A program may have to be fetched first, by npx or uvx. */
const connectMs = 30_000
/** For a server to hear that we leave. */
const farewellMs = 1000

/** Why a server is not to be had, in our own words. */
export class Lost extends Error {}

type Watch = {
  /** Whether to begin as the protocol does from 2026-07-28 on. Over HTTP that is seen by itself. */
  discover: boolean
  /** Called when something hints that the server is lost or its tools have changed. */
  inDoubt: () => void
  /** Called when its process has ended. */
  ended: () => void
  over: AbortSignal
}

/** Rejects when the server does not answer in time, or the watch is over. */
export async function connect(server: McpServer, { discover, inDoubt, ended, over }: Watch) {
  const transport =
    'url' in server
      ? { type: 'http' as const, url: server.url, headers: server.headers }
      : new StdioTransport(server, discover, ended)
  let client: MCPClient | undefined
  const close = async () => {
    await Promise.race([client?.close().catch(() => {}), Bun.sleep(farewellMs)])
    if (transport instanceof StdioTransport) await transport.close()
  }
  try {
    client = await createMCPClient({
      transport,
      clientName: 'parley',
      version,
      initializationOptions: { signal: AbortSignal.any([over, AbortSignal.timeout(connectMs)]) },
      // It tells of notices as well, such as that the list of tools has changed.
      onUncaughtError: inDoubt,
    })
  } catch (error) {
    await close()
    throw error
  }
  return { client, close }
}
