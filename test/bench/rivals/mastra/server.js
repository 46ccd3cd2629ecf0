/** Mastra as its documentation has it: one agent with message history, in LibSQL, behind the Hono adapter. */
import { Mastra } from '@mastra/core'
import { Agent } from '@mastra/core/agent'
import { MastraServer } from '@mastra/hono'
import { LibSQLStore } from '@mastra/libsql'
import { Memory } from '@mastra/memory'
import { Hono } from 'hono'

const storage = new LibSQLStore({ id: 'storage', url: `file:${Bun.env.DATA_DIR}/mastra.db` })
const agent = new Agent({
  id: 'bench',
  name: 'bench',
  instructions: 'You are a helpful assistant.',
  model: { id: 'bench/bench', url: Bun.env.OPENAI_BASE_URL, apiKey: 'none' },
  memory: new Memory({ storage }),
})
const app = new Hono()
await new MastraServer({
  app,
  prefix: '/api',
  mastra: new Mastra({ agents: { bench: agent }, storage, logger: false }),
}).init()
app.get('/', c => c.text('ok'))

Bun.serve({ hostname: '127.0.0.1', port: Bun.env.PORT, idleTimeout: 0, fetch: app.fetch })
