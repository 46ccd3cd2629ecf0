/** The one connection to Redis, which codes and limits share. */
import type { createClient } from 'redis'
import { AppError } from '../errors.ts'
import { log, reason } from '../log.ts'

type Client = ReturnType<typeof createClient>

/** A Lua script, which Redis runs as one atomic step on one key, and the type of what it returns. */
export type Script<Reply> = { lua: string; sha1: string; reply?: Reply }

export const script = <Reply>(lua: string): Script<Reply> => ({
  lua,
  sha1: new Bun.CryptoHasher('sha1').update(lua).digest('hex'),
})

/** Lua for the time in milliseconds: Redis' own, since several servers share it and no two clocks agree. */
export const luaNow = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

/** Milliseconds that Redis may take to answer. */
const patience = 1000

/** Begins to connect and does not wait for it: the server starts without its Redis too. */
export const openRedis = (url: string): Redis => new Redis(url)

/**
 * Fails fast and comes back by itself: once Redis has failed (gone, silent, full, read-only, loading), every
 * command is refused at once, until a write of our own succeeds. The log hears of it once, not at each request.
 */
export class Redis {
  #state: 'starting' | 'working' | 'away' = 'starting'
  readonly #client: Promise<Client>

  constructor(url: string) {
    this.#client = connect(url, {
      failed: error => this.#leave(error),
      answered: () => this.#tryToReturn(),
    })
  }

  /**
   * Runs a script on a key. Rejects within a second where Redis does not do it; a frozen one may still do it
   * when it goes on: at worst a count too many, or a code spent and to be sent again.
   */
  async run<Reply>(script: Script<Reply>, key: string, ...args: (string | number)[]): Promise<Reply> {
    if (this.#state !== 'working') throw new Error('Redis is away')
    try {
      return (await inTime(evaluate(await this.#client, script, key, args))) as Reply
    } catch (error) {
      this.#leave(error)
      throw error
    }
  }

  /** Milliseconds of a round trip that writes: a full or read-only Redis answers PING, but keeps no code. */
  async ping(): Promise<number> {
    const start = performance.now()
    await this.run(touch, 'ping')
    return performance.now() - start
  }

  async close(): Promise<void> {
    const client = await this.#client
    // What breaks off now is no news for the log.
    this.#state = 'away'
    client.destroy()
  }

  #leave(cause: unknown): void {
    if (this.#state === 'away') return
    this.#state = 'away'
    log.warn(
      'Redis cannot be used: what needs a code answers 503, sign-in is limited by this process alone ({reason})',
      { reason: reason(cause) },
    )
  }

  async #tryToReturn(): Promise<void> {
    if (this.#state === 'working') return
    try {
      await evaluate(await this.#client, touch, 'ping', [])
      if (this.#state === 'away') log.info('Redis is back')
      this.#state = 'working'
    } catch (error) {
      this.#leave(error)
    }
  }
}

/** What a person is told where Redis did not do what the request needs. */
export function unavailable(cause: unknown): never {
  throw new AppError('codes_unavailable', { retryAfter: 5, cause })
}

const touch = script<string>(`return redis.call('SET', KEYS[1], '', 'PX', 1000)`)

async function connect(url: string, on: { failed(error: unknown): void; answered(): void }): Promise<Client> {
  // Imported here, so that a server without Redis does not pay for it.
  const { createClient } = await import('redis')
  const client: Client = createClient({
    url,
    disableOfflineQueue: true,
    pingInterval: 500,
    socket: {
      connectTimeout: patience,
      // Since the last byte either way: pings keep an idle connection, and their silence gives up a dead one.
      socketTimeout: 1.5 * patience,
      reconnectStrategy: retries => Math.min(50 * 2 ** retries, 1000),
    },
  })
  // Without a listener for errors the process would end.
  client.on('error', on.failed)
  client.on('ready', on.answered)
  // Every half second, as long as it answers.
  client.on('ping-interval', on.answered)
  // Tries for ever; rejects only when closed.
  client.connect().catch(() => {})
  return client
}

async function evaluate(client: Client, script: Script<unknown>, key: string, args: (string | number)[]) {
  const options = { keys: [`parley:${key}`], arguments: args.map(String) }
  try {
    return await client.evalSha(script.sha1, options)
  } catch (error) {
    // New to this Redis, or forgotten by it in a restart.
    if (error instanceof Error && error.message.startsWith('NOSCRIPT'))
      return client.eval(script.lua, options)
    throw error
  }
}

/** node-redis' own time limit ends when the command has been written, so it never notices a frozen server. */
function inTime<T>(work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer within ${patience} ms`)), patience)
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
