import { sessionRules } from '../../limits.ts'

/** The claims of an access token (RFC 7519); sid is the session's id. */
export type AccessClaims = { sub: string; sid: string; jti: string; iat: number; exp: number }

const audience = 'parley'

/** The last character of a signature of 32 bytes has two bits too many; decoders overlook what is in them. */
const onlySpelling = /[AEIMQUYcgkosw048]$/

/**
 * Access tokens: JWTs signed with HS256 through node:crypto, which unlike WebCrypto does not wait in the
 * thread pool behind password hashes. Algorithm, issuer, audience and expiry are all demanded. Tokens are dated
 * by the clock given and judged by the machine's.
 */
export class AccessTokens {
  #codec: ReturnType<typeof codec> | undefined

  constructor(
    private readonly secret: string,
    private readonly issuer: string,
    private readonly now: () => number = Date.now,
  ) {}

  issue(userId: string, sessionId: string): string {
    const issuedAt = Math.floor(this.now() / 1000)
    return this.#open().sign({ sub: userId, sid: sessionId, jti: Bun.randomUUIDv7(), iat: issuedAt })
  }

  /** The claims, or null for anything but a live token of ours. */
  verify(token: string): AccessClaims | null {
    if (!onlySpelling.test(token)) return null
    try {
      return this.#open().verify(token) as AccessClaims
    } catch {
      return null
    }
  }

  #open() {
    this.#codec ??= codec(this.secret, this.issuer)
    return this.#codec
  }
}

function codec(key: string, issuer: string) {
  // Required with the first token: its ASN.1 libraries, which HS256 does not use, would be a tenth of the start.
  const { createSigner, createVerifier } = require('fast-jwt') as typeof import('fast-jwt')
  return {
    sign: createSigner({
      key,
      algorithm: 'HS256',
      expiresIn: sessionRules.accessTokenSeconds * 1000,
      iss: issuer,
      aud: audience,
    }),
    verify: createVerifier({
      key,
      algorithms: ['HS256'],
      allowedIss: issuer,
      allowedAud: audience,
      requiredClaims: ['iss', 'aud', 'sub', 'sid', 'iat', 'exp', 'jti'],
      cache: 10_000,
    }),
  }
}
