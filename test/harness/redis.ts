/** A real redis-server of the test's own, that can be killed, frozen and started again. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RedisClient } from 'bun'
import { installed } from './installed.ts'

export type RedisServer = Awaited<ReturnType<typeof startRedis>>

/** On a free loopback port, with nothing kept on disk. */
export async function startRedis() {
  const program = await installed({
    programs: ['redis-server'],
    of: 'redis-server',
    for: 'These tests need version 7 or newer of',
  })
  const dir = mkdtempSync(join(tmpdir(), 'parley-redis-'))
  const port = freePort()
  let server = await launch(program, port, dir)
  const end = async () => {
    server.kill('SIGKILL')
    await server.exited
  }
  const killWithUs = () => server.kill('SIGKILL')
  process.on('exit', killWithUs)
  return {
    url: `redis://127.0.0.1:${port}`,
    get pid() {
      return server.pid
    },
    /** Ends it without a farewell; `restart` brings it back, empty. */
    kill: end,
    async restart() {
      await end()
      server = await launch(program, port, dir)
    },
    /** Freezes it: connections stay open, nothing answers. */
    pause: () => server.kill('SIGSTOP'),
    resume: () => server.kill('SIGCONT'),
    /** Tells it something, over a connection of its own. */
    async command(name: string, ...args: string[]) {
      const client = new RedisClient(`redis://127.0.0.1:${port}`)
      await client.send(name, args)
      client.close()
    },
    async stop() {
      await end()
      process.off('exit', killWithUs)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** Resolves with the milliseconds it took until the connection works. */
export async function untilReady(redis: { ping(): Promise<number> }): Promise<number> {
  const start = performance.now()
  while (!(await redis.ping().catch(() => null))) await Bun.sleep(10)
  return performance.now() - start
}

export function freePort(): number {
  const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
  listener.stop(true)
  return listener.port
}

async function launch(program: string, port: number, dir: string): Promise<Bun.Subprocess> {
  const place = ['--bind', '127.0.0.1', '--port', String(port), '--dir', dir]
  const server = Bun.spawn([program, ...place, '--save', '', '--appendonly', 'no'], {
    stdout: 'ignore',
    stderr: 'inherit',
  })
  for (let tries = 0; !(await accepts(port)); tries++) {
    if (server.exitCode !== null || tries > 500) throw new Error(`redis-server did not start on port ${port}`)
    await Bun.sleep(10)
  }
  return server
}

const accepts = (port: number): Promise<boolean> =>
  Bun.connect({ hostname: '127.0.0.1', port, socket: { data() {} } }).then(
    socket => {
      socket.end()
      return true
    },
    () => false,
  )
