/** Real MCP servers: the protocol's own "everything" server, and one that behaves as it is told to. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './redis.ts'

const everything = join(
  import.meta.dir,
  '../../node_modules/@modelcontextprotocol/server-everything/dist/index.js',
)
const odd = join(import.meta.dir, 'odd-mcp-server.ts')
const loopback = join(import.meta.dir, 'listen-on-loopback.ts')

let folder = ''
let files = 0
function newFile(name: string): string {
  folder ||= mkdtempSync(join(tmpdir(), 'parley-mcp-'))
  return join(folder, `${++files}-${name}`)
}

/** Removes what has been written. Call it after the tests of a file. */
export function tidyServers(): void {
  if (folder) rmSync(folder, { recursive: true, force: true })
  folder = ''
}

/** The path of a file with this content, for MCP_SERVERS. */
export function serversFile(content: unknown): string {
  const file = newFile('servers.json')
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}

/** Its entry in the file, and the ids of its processes, the newest last. */
export function program(script: string, ...args: string[]) {
  const pids = newFile('pids')
  const line = `echo $$ >> ${pids}; exec "$0" "$@"`
  return {
    entry: { command: 'sh', args: ['-c', line, process.execPath, script, ...args] },
    pids: () => (existsSync(pids) ? readFileSync(pids, 'utf8').trim().split('\n').map(Number) : []),
  }
}

/** Over stdio: Parley starts it. */
export const everythingProgram = () => program(everything)
export const oddProgram = (...args: string[]) => program(odd, ...args)

/** Over streamable HTTP, on a free loopback port. */
export async function startEverything() {
  const port = freePort()
  let server = await launch(port)
  const killWithUs = () => server.kill('SIGKILL')
  process.on('exit', killWithUs)
  const kill = async () => {
    server.kill('SIGKILL')
    await server.exited
  }
  return {
    entry: { type: 'http', url: `http://127.0.0.1:${port}/mcp` },
    kill,
    restart: async () => {
      server = await launch(port)
    },
    stop: async () => {
      await kill()
      process.off('exit', killWithUs)
    },
  }
}

/** Over streamable HTTP without a stream of its own, as small servers are; `forget` drops its sessions. */
export function startForgetful() {
  let session = Bun.randomUUIDv7()
  const results: Record<string, object> = {
    initialize: {
      protocolVersion: '2025-06-18',
      capabilities: { tools: {} },
      serverInfo: { name: 'forgetful', version: '1' },
    },
    'tools/list': { tools: [{ name: 'recall', inputSchema: { type: 'object' } }] },
    'tools/call': { content: [{ type: 'text', text: 'I do' }] },
  }
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      if (request.method !== 'POST') return new Response(null, { status: 405 })
      const { id, method } = (await request.json()) as { id?: number; method: string }
      const begins = method === 'initialize' || method === 'server/discover'
      if (!begins && request.headers.get('mcp-session-id') !== session) return refusal(id)
      if (id === undefined) return new Response(null, { status: 202 })
      const result = results[method]
      const answer = result ? { result } : { error: { code: -32601, message: 'no such method' } }
      return Response.json({ jsonrpc: '2.0', id, ...answer }, { headers: { 'mcp-session-id': session } })
    },
  })
  return {
    entry: { url: `http://127.0.0.1:${server.port}/` },
    forget: () => {
      session = Bun.randomUUIDv7()
    },
    stop: () => server.stop(true),
  }
}

/** The MCP SDK's own word for a session that it does not know. */
const refusal = (id: number | undefined) =>
  Response.json(
    { jsonrpc: '2.0', id, error: { code: -32000, message: 'Bad Request: No valid session ID' } },
    { status: 400 },
  )

async function launch(port: number): Promise<Bun.Subprocess> {
  const server = Bun.spawn([process.execPath, '--preload', loopback, everything, 'streamableHttp'], {
    env: { PATH: Bun.env.PATH, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  for await (const bytes of server.stderr) {
    said += new TextDecoder().decode(bytes)
    if (said.includes('listening')) return server
  }
  throw new Error(`the server did not start: ${said}`)
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
