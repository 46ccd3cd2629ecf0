/** The API reference: the OpenAPI document at /openapi.json. */
import type { AnyElysia } from 'elysia'
import type { Config } from '../config.ts'

/** Mounts the API reference of the app's own routes. */
export const apiReference =
  (_config: Pick<Config, 'PUBLIC_URL'>) =>
  <App extends AnyElysia>(app: App): App => {
    app.get('/openapi.json', () => ({ openapi: '3.0.3' }), { detail: { hide: true } })
    return app
  }
