import { t } from 'elysia'

const health = t.Union([t.Literal('healthy'), t.Literal('unhealthy')])
const service = { status: health, latency_ms: t.Number({ examples: [0.42] }) }
const backend = t.Union([t.Literal('redis'), t.Literal('embedded')])

export const healthView = t.Object(
  { status: t.Literal('ok') },
  { title: 'Health', description: 'The server answers' },
)
export const infraHealthView = t.Object(
  {
    status: health,
    services: t.Object({
      redis: t.Object({ ...service, backend }),
      database: t.Object(service),
      mcp: t.Record(t.String(), t.Object({ status: health, tools: t.Number() }), {
        description: 'The MCP servers by name; empty where none is plugged in',
        examples: [{ weather: { status: 'healthy', tools: 3 } }],
      }),
    }),
  },
  {
    title: 'InfraHealth',
    description: 'How each part is; healthy in all where every part but the MCP servers is',
  },
)
export const readyView = t.Object(
  { status: t.Literal('ready') },
  { title: 'Ready', description: 'Requests may come' },
)
