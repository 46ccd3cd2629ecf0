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
    }),
  },
  { title: 'InfraHealth', description: 'How each part is; healthy in all where every part is' },
)
export const readyView = t.Object(
  { status: t.Literal('ready') },
  { title: 'Ready', description: 'Requests may come' },
)
