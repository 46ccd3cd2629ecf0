/** Mastra as its documentation has it: one agent with message history, in LibSQL, behind the Hono adapter; by Node or Bun. */
import { Mastra } from '@mastra/core'
import { Agent } from '@mastra/core/agent'
import { MastraServer } from '@mastra/hono'
import { LibSQLStore } from '@mastra/libsql'
import { Memory } from '@mastra/memory'
import { Hono } from 'hono'

const storage = new LibSQLStore({ id: 'storage', url: `file:${process.env.DATA_DIR}/mastra.db` })
const agent = new Agent({
  id: 'bench',
  name: 'bench',
  instructions: 'You are a helpful assistant.',
  model: { id: 'bench/bench', url: process.env.OPENAI_BASE_URL, apiKey: 'none' },
  memory: new Memory({ storage }),
})
const app = new Hono()
await new MastraServer({
  app,
  prefix: '/api',
  mastra: new Mastra({ agents: { bench: agent }, storage, logger: false }),
}).init()
app.get('/', c => c.text('ok'))

const place = { hostname: '127.0.0.1', port: Number(process.env.PORT), fetch: app.fetch }
if (globalThis.Bun) Bun.serve({ ...place, idleTimeout: 0 })
else (await import('@hono/node-server')).serve(place)
