/** Who is signed in, and requests in their name. */

/** Where Parley is, as https://chat.example.com; the bundler puts it in. */
declare const PARLEY_URL: string

export const api = `${PARLEY_URL}/api/v1`

type Tokens = { access_token: string; refresh_token: string }

const place = 'parley'
/** Asked for anew each time: another tab may have renewed them. */
const tokens = (): Tokens | null => JSON.parse(localStorage.getItem(place) ?? 'null')
const keep = (tokens: Tokens) => localStorage.setItem(place, JSON.stringify(tokens))

export const isSignedIn = () => tokens() !== null

export async function signIn(email: string, password: string): Promise<void> {
  const response = await send('POST', '/auth/sessions', { email, password })
  const body = await response.json()
  if (!response.ok) throw new Error(body.detail)
  keep(body)
}

export async function signOut(): Promise<void> {
  await send('DELETE', '/auth/sessions', { refresh_token: tokens()?.refresh_token ?? '' })
  localStorage.removeItem(place)
}

/** `fetch` with the access token. Where that has expired, after an hour, it is renewed, and the request sent again. */
export async function authorizedFetch(...[url, init]: Parameters<typeof fetch>): Promise<Response> {
  const sent = tokens()
  const response = await withToken(sent, url, init)
  if (response.status !== 401 || !sent) return response
  await renewed(sent)
  const fresh = tokens()
  return fresh ? withToken(fresh, url, init) : response
}

function withToken(tokens: Tokens | null, ...[url, init]: Parameters<typeof fetch>): Promise<Response> {
  const headers = new Headers(init?.headers)
  if (tokens) headers.set('authorization', `Bearer ${tokens.access_token}`)
  return fetch(url, { ...init, headers })
}

let renewing: Promise<void> | null = null

/** Once for all requests that wait: a refresh token is used once, and using it again later ends the session. */
function renewed(old: Tokens): Promise<void> {
  if (tokens()?.access_token !== old.access_token) return Promise.resolve()
  renewing ??= renew(old).finally(() => {
    renewing = null
  })
  return renewing
}

async function renew({ refresh_token }: Tokens): Promise<void> {
  const response = await send('POST', '/auth/sessions/refresh', { refresh_token })
  if (response.ok) keep(await response.json())
  else if (response.status === 401) localStorage.removeItem(place)
}

const send = (method: string, path: string, body: object): Promise<Response> =>
  fetch(api + path, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
