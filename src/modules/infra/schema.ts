import { t } from 'elysia'

const health = t.Union([t.Literal('healthy'), t.Literal('unhealthy')])
const service = { status: health, latency_ms: t.Number() }

export const healthView = t.Object({ status: t.Literal('ok') })
export const infraHealthView = t.Object({
  status: health,
  services: t.Object({
    redis: t.Object({ ...service, backend: t.Union([t.Literal('redis'), t.Literal('embedded')]) }),
    database: t.Object(service),
  }),
})
export const readyView = t.Object({ status: t.Literal('ready') })
