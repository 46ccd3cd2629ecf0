/** The command line: reads the settings, opens the services, serves, and stops cleanly. */
import { version } from '../package.json' with { type: 'json' }
import { buildApp } from './app.ts'
import { type Config, developmentConveniences, readConfig } from './config.ts'
import { StartError } from './errors.ts'
import { help } from './help.ts'
import { serve } from './http/server.ts'
import { log, reason, startLog } from './log.ts'
import { openServices } from './services.ts'

/** How long running answers may take to end when the server is stopped. */
const stopWithinMs = 30_000

/** And after them requests in hand: a password waits for its turn for four seconds at most, a client may stall for ever. */
const lastRequestsMs = 5_000

/** Under `bun --hot` all files run again in the same process, and what ran before makes room. */
const hot = globalThis as { makeRoom?: () => Promise<void> }

/** Does what the arguments say. A failure is told on standard error, and is the exit status. */
export const run = (args: string[]): Promise<void> =>
  obey(args).catch(error => {
    console.error(error instanceof StartError ? error.message : reason(error))
    process.exit(1)
  })

async function obey([command = 'serve', ...rest]: string[]): Promise<void> {
  if (command === '--help' || command === '-h' || command === 'help') return console.log(help(version))
  if (command === '--version' || command === '-v') return console.log(version)
  if (command === '--licenses') return console.log((await import('./licenses.ts')).licenses)
  if (command === 'health') return reportHealth(readConfig(Bun.env))
  if (command !== 'serve' || rest.length > 0)
    return refuse(`There is no "${[command, ...rest].join(' ')}". See --help.`, 2)
  // What is created, is for this user alone.
  process.umask(0o077)
  await serveUntilStopped(readConfig(Bun.env))
}

async function reportHealth(config: Config): Promise<void> {
  const { isHealthy } = await import('./health.ts')
  if (!(await isHealthy(config))) refuse(`No Parley answers on HOST ${config.HOST}, PORT ${config.PORT}.`, 1)
}

async function serveUntilStopped(config: Config): Promise<void> {
  await hot.makeRoom?.()
  startLog(config.LOG_LEVEL)
  const services = await openServices(config)
  const server = listen(buildApp(services), config)
  announce(config, server.url)

  const close = async (withinMs: number) => {
    // While answers end, all else is served, and load balancers hear that this is no place for more.
    services.infra.stop()
    await services.runner.stop(withinMs)
    server.stop()
    await requestsEnded(server, Math.min(withinMs, lastRequestsMs))
    await server.stop(true)
    await services.close()
  }
  let stopping = false
  const stop = async (signal: string) => {
    if (stopping) return
    stopping = true
    log.info('{signal}: stopping; answers under way may end', { signal })
    await close(stopWithinMs).catch(error =>
      log.error('not closed well: {reason}', { reason: reason(error) }),
    )
    log.info('stopped')
    setImmediate(() => process.exit(0))
  }
  const signals = ['SIGTERM', 'SIGINT'] as const
  for (const signal of signals) process.on(signal, stop)
  hot.makeRoom = () => {
    for (const signal of signals) process.off(signal, stop)
    return close(0)
  }
}

async function requestsEnded(server: { pendingRequests: number }, withinMs: number): Promise<void> {
  for (const start = Date.now(); server.pendingRequests > 0 && Date.now() - start < withinMs; )
    await Bun.sleep(10)
}

function listen(app: ReturnType<typeof buildApp>, config: Config) {
  try {
    return serve(app, config)
  } catch (error) {
    throw new StartError(
      (error as { code?: string }).code === 'EADDRINUSE'
        ? `PORT ${config.PORT} on ${config.HOST} is taken by another program. Stop it, or set another PORT.`
        : `HOST ${config.HOST} with PORT ${config.PORT} cannot be listened on: ${reason(error)}`,
    )
  }
}

function announce(config: Config, url: URL): void {
  log.info(
    `Parley ${version} on ${url.origin}; data in ${config.dataDir}; codes and limits: ${config.REDIS_URL ? 'Redis' : 'embedded'}; ` +
      `mail: ${config.MAIL === 'smtp' ? 'SMTP' : 'this log'}; model: ${config.AGENT_MODELS!.join(', ')}; API reference: ${url.origin}/docs`,
  )
  const conveniences = developmentConveniences(config)
  if (conveniences.length > 0) log.warn(`not fit for production: ${conveniences.join('; ')}`)
}

function refuse(sentence: string, status: number): void {
  console.error(sentence)
  process.exitCode = status
}
