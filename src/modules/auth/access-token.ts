import { createSigner, createVerifier } from 'fast-jwt'
import { sessionRules } from '../../limits.ts'

/** The claims of an access token (RFC 7519); sid is the session's id. */
export type AccessClaims = { sub: string; sid: string; jti: string; iat: number; exp: number }

/**
 * Access tokens: JWTs signed with HS256 through node:crypto, which unlike WebCrypto does not wait in the
 * thread pool behind password hashes. Algorithm, issuer, audience and expiry are all demanded.
 */
export class AccessTokens {
  readonly #sign
  readonly #verify

  constructor(
    secret: string,
    issuer: string,
    private readonly now: () => number = Date.now,
  ) {
    const audience = 'parley'
    this.#sign = createSigner({
      key: secret,
      algorithm: 'HS256',
      expiresIn: sessionRules.accessTokenSeconds * 1000,
      iss: issuer,
      aud: audience,
    })
    this.#verify = createVerifier({
      key: secret,
      algorithms: ['HS256'],
      allowedIss: issuer,
      allowedAud: audience,
      requiredClaims: ['iss', 'aud', 'sub', 'sid', 'iat', 'exp', 'jti'],
      cache: 10_000,
    })
  }

  issue(userId: string, sessionId: string): string {
    return this.#sign({
      sub: userId,
      sid: sessionId,
      jti: Bun.randomUUIDv7(),
      iat: Math.floor(this.now() / 1000),
    })
  }

  /** The claims, or null for anything but a live token of ours. */
  verify(token: string): AccessClaims | null {
    try {
      return this.#verify(token) as AccessClaims
    } catch {
      return null
    }
  }
}
