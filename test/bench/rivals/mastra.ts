/** https://mastra.ai: a framework for agents, with a server of its own, here run as its packages ask for: by Node. */
import { arch } from 'node:os'
import { join } from 'node:path'
import { type Agent, manyRequests } from '../agents/agent.ts'
import { folder, type Server, serve } from '../processes.ts'
import { installPackages } from './install.ts'

/** Its packages name no other than Node; by Bun its first token is sooner. */
type Runtime = 'Node' | 'Bun'

const programs = {
  Node: (installed: string) => join(installed, `node_modules/node-linux-${arch()}/bin/node`),
  Bun: () => process.execPath,
}

export async function startMastra(
  dataDir = folder(),
  modelUrl = 'http://127.0.0.1:9',
  runtime: Runtime = 'Node',
): Promise<Server> {
  const installed = await installPackages('mastra')
  return serve([programs[runtime](installed), join(installed, 'server.js')], {
    cwd: installed,
    environment: {
      ...manyRequests,
      NODE_ENV: 'production',
      MASTRA_OFFLINE: '1',
      DATA_DIR: dataDir,
      OPENAI_BASE_URL: `${modelUrl}/v1`,
    },
  })
}

export async function startMastraAgent(model: Server, runtime?: Runtime): Promise<Agent> {
  const server = await startMastra(folder(), model.url, runtime)
  return {
    ...server,
    ask: message => ({
      url: `${server.url}/api/agents/bench/stream`,
      headers: {},
      // A thread of its own, as a message to Parley without a session_id.
      body: JSON.stringify({
        messages: [{ role: 'user', content: message }],
        memory: { thread: '$id', resource: 'somebody' },
      }),
      mark: '"type":"text-delta"',
    }),
  }
}
