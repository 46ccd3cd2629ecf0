/** What a client of the API does, over HTTP. */
import type { SignedIn } from '../../src/modules/auth/sessions.ts'

type Mails = { nextMail(to: string, timeoutMs?: number): Promise<{ subject: string; text: string }> }

// biome-ignore lint/suspicious/noExplicitAny: tests look into bodies freely
export type Answer = { status: number; headers: Headers; body: any }

let people = 0

/** A network address that nobody else has. */
const ownAddress = () => `10.${(++people >> 16) & 255}.${(people >> 8) & 255}.${people & 255}`

export function client(url: string, smtp: Mails) {
  /** A request under /api/v1; `body` is sent as JSON, a string as it is. */
  async function call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      body: body === undefined || typeof body === 'string' ? (body as string) : JSON.stringify(body),
    })
    const text = await response.text()
    const isJson = text && response.headers.get('content-type')?.includes('json')
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
  }

  /** The same, signed in. */
  const as =
    (who: { access_token: string }) =>
    (method: string, path: string, body?: unknown, headers = {}) =>
      call(method, path, body, { authorization: `Bearer ${who.access_token}`, ...headers })

  const codeFor = async (email: string) => codeIn((await smtp.nextMail(email)).text)

  /** Signs somebody up, through the mail, from an address of their own. */
  async function newUser(given: { username?: string; email?: string; password?: string } = {}) {
    const address = ownAddress()
    const from = { 'x-forwarded-for': address }
    const name = given.username ?? `user_${people}`
    const person = {
      username: name,
      email: given.email ?? `${name.toLowerCase()}@example.com`,
      password: given.password ?? 'correct horse',
    }
    const begun = await call('POST', '/auth/verifications', person, from)
    if (begun.status !== 202)
      throw new Error(`sign-up answered ${begun.status}: ${JSON.stringify(begun.body)}`)
    const token = await codeFor(person.email)
    const verified = await call('POST', '/auth/verifications/verify', { email: person.email, token }, from)
    if (verified.status !== 200)
      throw new Error(`verify answered ${verified.status}: ${JSON.stringify(verified.body)}`)
    return { ...person, address, ...(verified.body as SignedIn) }
  }

  return { call, as, newUser, codeFor }
}

/** The code in a mail's text. */
export function codeIn(text: string): string {
  const code = /^\s*(\d{6})\s*$/m.exec(text)?.[1]
  if (!code) throw new Error(`no code in: ${text}`)
  return code
}
