/** A real redis-server of the test's own, that can be killed, frozen and started again. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type RedisServer = Awaited<ReturnType<typeof startRedis>>

/** On a free loopback port, with nothing kept on disk. */
export async function startRedis() {
  const program = await redisServer()
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

async function redisServer(): Promise<string> {
  if (!Bun.which('redis-server') && process.getuid?.() === 0 && Bun.which('apt-get')) await install()
  const program = Bun.which('redis-server')
  if (!program)
    throw new Error(
      'These tests need redis-server 7 or newer. Install it with your package manager, as "sudo apt-get install redis-server" or "brew install redis", and run them again.',
    )
  return program
}

/** Under a lock, since several test files may come here at once; RUNLEVEL=1 keeps it from being started as a service. */
async function install(): Promise<void> {
  const steps =
    'command -v redis-server || { apt-get update && apt-get install -y --no-install-recommends redis-server; }'
  const lock = join(tmpdir(), 'parley-install-redis.lock')
  await Bun.spawn(['flock', lock, 'sh', '-c', steps], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    stdout: 'ignore',
    stderr: 'inherit',
  }).exited
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
