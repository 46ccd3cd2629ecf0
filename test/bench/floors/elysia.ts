/** The framework with one route and nothing else. */
import { Elysia } from 'elysia'

new Elysia().get('/', () => 'ok').listen({ hostname: '127.0.0.1', port: Number(Bun.env.PORT) })
