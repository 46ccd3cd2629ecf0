/** The whole app behind a real socket, on embedded parts and a data folder of its own, with real servers where asked for. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildApp } from '../../src/app.ts'
import { type Environment, readConfig } from '../../src/config.ts'
import { serve } from '../../src/http/server.ts'
import { openServices } from '../../src/services.ts'
import { client } from './client.ts'
import { startSmtp } from './smtp.ts'

export type TestApp = Awaited<ReturnType<typeof startApp>>

/**
 * @param environment settings as an operator would give them; mails go to a real SMTP server
 * @param options dataDir: another app's folder, to start again on it; now: the clock; idleSeconds: how long a
 *   connection may be silent
 */
export async function startApp(
  environment: Environment = {},
  options: { dataDir?: string; now?: () => number; idleSeconds?: number } = {},
) {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'parley-test-'))
  const smtp = await startSmtp()
  const config = readConfig({
    PORT: '0',
    DATA_DIR: dataDir,
    SMTP_URL: smtp.url,
    DEFAULT_LOCALE: 'en',
    LOG_LEVEL: 'error',
    // A test is a client of its own by X-Forwarded-For.
    TRUST_PROXY: '1',
    // The model is asked what the test asks it, and nothing else.
    AGENT_TITLES: 'message',
    ...environment,
  })
  const services = await openServices(config, options.now)
  const server = serve(buildApp(services), config, options.idleSeconds)
  const { port } = server

  /** Stops as a SIGTERM would; `keep` leaves the data folder for the next start. */
  const stop = async ({ keep = false } = {}) => {
    await server.stop(true)
    await services.runner.stop(1000)
    await services.close()
    await smtp.stop()
    if (!keep) rmSync(dataDir, { recursive: true, force: true })
  }
  return {
    ...client(`http://127.0.0.1:${port}`, smtp),
    url: `http://127.0.0.1:${port}`,
    /** Requests that are not over. */
    pending: () => server.pendingRequests,
    services,
    config,
    smtp,
    dataDir,
    stop,
  }
}
