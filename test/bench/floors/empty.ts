/** The least an executable can be. */
Bun.serve({ hostname: '127.0.0.1', port: Bun.env.PORT, fetch: () => new Response('ok') })
