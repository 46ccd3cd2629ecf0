/** The API reference: the OpenAPI document at /openapi.json, and a page for people at /docs, to which / leads. */
import type { AnyElysia } from 'elysia'
import type { Config } from '../config.ts'
import { AppError } from '../errors.ts'

const hidden = { detail: { hide: true } }

/** Mounts the reference of all routes of the app. It is made at the first request: few servers are asked for it. */
export const apiReference =
  (config: Pick<Config, 'PUBLIC_URL'>) =>
  <App extends AnyElysia>(app: App): App => {
    const document = once(async () => {
      const { documentAsset } = await import('./api-reference/document.ts')
      return documentAsset(app.routes, config.PUBLIC_URL)
    })
    const page = once(async () => {
      const { openPage } = await import('./api-reference/page.ts')
      return openPage()
    })

    app
      .get('/', () => redirect(302, 'docs'), hidden)
      .get('/openapi.json', async ({ request }) => (await document()).answer(request), hidden)
      .get(
        '/docs',
        // Its addresses are relative, so a closing slash would make others of them.
        async ({ request, path }) =>
          path === '/docs' ? (await page()).html.answer(request) : redirect(308, '../docs'),
        hidden,
      )
      .get(
        '/docs/:version/:file',
        async ({ request, path, params: { version, file } }) => {
          const part = (await page()).parts.get(`${version}/${file}`)
          if (!part) throw new AppError('not_found', { params: { path } })
          return part.answer(request)
        },
        hidden,
      )
    return app
  }

/** To a relative address, so that it leads there under whatever path a proxy puts the server. */
const redirect = (status: 302 | 308, location: string) =>
  new Response(null, { status, headers: { location } })

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}
