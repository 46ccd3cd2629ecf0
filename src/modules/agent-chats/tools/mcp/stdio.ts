/** An MCP server in a process of its own, spoken to over its standard streams. */
import type { MCPTransport } from '@ai-sdk/mcp'
import { log } from '../../../../log.ts'

type Message = Parameters<MCPTransport['send']>[0]
type Options = Parameters<MCPTransport['send']>[1]
type Program = {
  name: string
  command: string
  args: string[]
  env: Record<string, string>
  cwd: string | undefined
}

/** How long a server may take to end when its input ends, and when it is told to. */
const patienceMs = 500

/** In characters. What says more in one message is no server. */
const messageLimit = 16 * 1024 * 1024

/**
 * That of the AI SDK hands down more of the environment, keeps what the server says of itself from us, leaves
 * behind what does not end at once, and lets abandoned calls run on.
 */
export class StdioTransport implements MCPTransport {
  readonly supportsProtocolVersionDiscovery: boolean
  readonly waitsForProtocolVersionDiscovery = true
  onclose?: () => void
  onerror?: (error: Error) => void
  onmessage?: (message: Message) => void
  #process: Bun.Subprocess<'pipe', 'pipe', 'pipe'> | null = null
  #closed: Promise<void> | null = null
  /** Requests without an answer yet. */
  readonly #open = new Set<string>()

  /**
   * @param discover whether to begin with server/discover: what knows it not may end at the sight of it
   * @param ended is called when the process has ended
   */
  constructor(
    private readonly program: Program,
    discover: boolean,
    private readonly ended: () => void,
  ) {
    this.supportsProtocolVersionDiscovery = discover
  }

  async start(): Promise<void> {
    const { name, command, args, env, cwd } = this.program
    const { PATH, HOME } = process.env
    const child = Bun.spawn([command, ...args], {
      cwd,
      env: { PATH, HOME, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      // A process group of its own, so that what it starts can be ended with it.
      detached: true,
    })
    this.#process = child
    void eachLine(child.stdout, line => this.#hear(line)).catch(() => this.close())
    void eachLine(child.stderr, line => log.debug('{name}: {line}', { name, line })).catch(() => {})
    void child.exited.then(() => {
      this.ended()
      return this.close()
    })
  }

  async send(message: Message, options?: Options): Promise<void> {
    if ('id' in message && 'method' in message) this.#expectAnswer(message.id, options?.signal)
    await this.#say(message)
  }

  /** Resolves when the process and what it started have ended. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  #hear(line: string): void {
    if (line.trim() === '') return
    try {
      const message = JSON.parse(line) as Message
      const isAnswer = !('method' in message)
      // One that was called off may come all the same.
      if (isAnswer && !this.#open.delete(String(message.id))) return
      this.onmessage?.(message)
    } catch (error) {
      this.onerror?.(error as Error)
    }
  }

  /** What nobody waits for any more is called off (MCP, "Cancellation"). */
  #expectAnswer(requestId: string | number, signal: AbortSignal | undefined): void {
    this.#open.add(String(requestId))
    const notice = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } } as const
    const callOff = () => {
      if (this.#open.delete(String(requestId))) void this.#say(notice).catch(() => {})
    }
    signal?.addEventListener('abort', callOff, { once: true })
  }

  async #say(message: Message): Promise<void> {
    if (!this.#process || this.#closed) throw new Error('the process has ended')
    this.#process.stdin.write(`${JSON.stringify(message)}\n`)
    await this.#process.stdin.flush()
  }

  /** As the specification has it: end of input, SIGTERM, SIGKILL. */
  async #close(): Promise<void> {
    const child = this.#process
    if (child) {
      // Not awaited: what does not read never comes to the end.
      void Promise.resolve(child.stdin.end()).catch(() => {})
      await Promise.race([child.exited, Bun.sleep(patienceMs)])
      if (child.exitCode === null && child.signalCode === null) signalGroup(child.pid, 'SIGTERM')
      await Promise.race([child.exited, Bun.sleep(patienceMs)])
      signalGroup(child.pid, 'SIGKILL')
      await child.exited
    }
    this.onclose?.()
  }
}

function signalGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // Nobody is left in it.
  }
}

async function eachLine(stream: ReadableStream<Uint8Array>, heard: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of stream) {
    const text = decoder.decode(bytes, { stream: true })
    if (!text.includes('\n')) rest += text
    else {
      const lines = (rest + text).split('\n')
      rest = lines.pop()!
      for (const line of lines) heard(line)
    }
    if (rest.length > messageLimit) throw new Error('a line without an end')
  }
}
