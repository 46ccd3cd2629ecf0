/** Parley under test: the executable, in production mode, in a process and a data folder of its own. */
import { buildIfOutdated, program } from '../harness/executable.ts'
import { publicUrl } from './people.ts'
import { type Server, serve } from './processes.ts'

let built: Promise<void> | null = null

/** At most once in a run. */
export function build(): Promise<void> {
  built ??= buildIfOutdated()
  return built
}

export async function startParley(
  dataDir: string,
  environment: Record<string, string> = {},
): Promise<Server> {
  await build()
  const server = await serve([program], {
    // Not the folder of the sources, whose .env it would read.
    cwd: dataDir,
    path: '/api/v1/health',
    environment: {
      NODE_ENV: 'production',
      MAIL: 'log',
      AGENT_MODEL: 'demo',
      LOG_LEVEL: 'error',
      DATA_DIR: dataDir,
      PUBLIC_URL: publicUrl,
      // Clients say by X-Forwarded-For who they are: the limits would hold up one that sends all the load.
      TRUST_PROXY: '1',
      ...environment,
    },
  })
  return { ...server, url: `${server.url}/api/v1` }
}
