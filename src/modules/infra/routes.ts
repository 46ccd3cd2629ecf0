import { Elysia } from 'elysia'
import { describe, problems } from '../../http/openapi.ts'
import * as schema from './schema.ts'
import type { Infra } from './service.ts'

export const infraRoutes = (infra: Infra) =>
  new Elysia({ prefix: '/api/v1', tags: ['Infra'] })
    .get('/infra/health', () => infra.health(), {
      response: { 200: schema.infraHealthView },
      detail: describe(
        'getInfraHealth',
        'State of the parts',
        'Always 200; `services.redis` is the store of codes and limits, whichever `backend` it is.',
      ),
    })
    .get('/infra/ready', () => infra.ready(), {
      response: { 200: schema.readyView, ...problems('stopping', 'storage_unavailable') },
      detail: describe(
        'getReadiness',
        'Readiness',
        'For orchestrators: 503 while the server lets its last answers end, or cannot write.',
      ),
    })
    .get('/health', () => ({ status: 'ok' as const }), {
      response: { 200: schema.healthView },
      detail: describe('getHealth', 'Liveness'),
    })
