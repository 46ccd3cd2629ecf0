import type { Caller } from '../modules/auth/store.ts'

export type Sessions = { authenticate(accessToken: string): Caller | null }

/** Whose access token the request bears (RFC 6750), if it is alive. */
export function callerOf(request: Request, sessions: Sessions): Caller | null {
  const token = /^Bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
  return token ? sessions.authenticate(token) : null
}
