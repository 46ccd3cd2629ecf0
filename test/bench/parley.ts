/** Parley under test: the executable, in production mode, in a process and a data folder of its own. */
import { join } from 'node:path'
import { bunSettings } from '../../src/bun-settings.ts'
import { buildIfOutdated, program } from '../harness/executable.ts'
import { publicUrl } from './people.ts'
import { root, type Server, serve } from './processes.ts'

let built: Promise<void> | null = null

/** At most once in a run. */
export function build(): Promise<void> {
  built ??= buildIfOutdated()
  return built
}

let profiles: string | null = null

/** From now on it runs from its sources, and leaves where its time went in the folder: a file for each start. */
export function profileInto(folder: string): void {
  profiles = folder
}

const command = (): string[] =>
  profiles
    ? [process.execPath, '--cpu-prof', `--cpu-prof-dir=${profiles}`, join(root, 'src/main.ts')]
    : [program]

export async function startParley(
  dataDir: string,
  environment: Record<string, string> = {},
): Promise<Server> {
  await build()
  const server = await serve(command(), {
    // Not the folder of the sources, whose .env it would read.
    cwd: dataDir,
    path: '/api/v1/health',
    environment: {
      NODE_ENV: 'production',
      MAIL: 'log',
      AGENT_MODEL: 'demo',
      LOG_LEVEL: 'error',
      // The others make none.
      AGENT_TITLES: 'message',
      DATA_DIR: dataDir,
      PUBLIC_URL: publicUrl,
      // Clients say by X-Forwarded-For who they are: the limits would hold up one that sends all the load.
      TRUST_PROXY: '1',
      // Else it starts anew with them, which ends a profile.
      ...(profiles ? bunSettings : {}),
      ...environment,
    },
  })
  return { ...server, url: `${server.url}/api/v1` }
}
