import { AppError } from '../../errors.ts'

/** A part that can be asked whether it works: milliseconds it took to answer, or a rejection. */
type Part = { ping(): Promise<number> }

/** Parts that keep watch themselves. One that is down costs its tools, and leaves the whole healthy. */
type ToolServers = {
  health(): Record<string, { status: 'healthy' | 'unhealthy'; tools: number }>
}

export class Infra {
  #stopping = false

  constructor(
    private readonly database: Part,
    /** The store of codes and limits where it is not the database. */
    private readonly redis: Part | null,
    private readonly toolServers?: ToolServers,
  ) {}

  async health() {
    const [database, redis] = await Promise.all([check(this.database), check(this.redis ?? this.database)])
    const backend = this.redis ? ('redis' as const) : ('embedded' as const)
    const status = [database, redis].every(part => part.status === 'healthy')
      ? ('healthy' as const)
      : ('unhealthy' as const)
    const mcp = this.toolServers?.health() ?? {}
    return { status, services: { redis: { ...redis, backend }, database, mcp } }
  }

  /** For orchestrators: whether to send requests here. Throws 503. */
  async ready(): Promise<{ status: 'ready' }> {
    if (this.#stopping) throw new AppError('stopping', { retryAfter: 5 })
    if ((await check(this.database)).status === 'unhealthy')
      throw new AppError('storage_unavailable', { retryAfter: 10 })
    return { status: 'ready' }
  }

  /** From now on not ready. */
  stop(): void {
    this.#stopping = true
  }
}

async function check(part: Part): Promise<{ status: 'healthy' | 'unhealthy'; latency_ms: number }> {
  const started = performance.now()
  const status = await part.ping().then(
    () => 'healthy' as const,
    () => 'unhealthy' as const,
  )
  return { status, latency_ms: Math.round((performance.now() - started) * 1000) / 1000 }
}
