/** Signing in and out, and staying signed in. */
import type { Limiter } from '../../adapters/limiter/limiter.ts'
import { AppError } from '../../errors.ts'
import { sessionRules } from '../../limits.ts'
import { log, reason } from '../../log.ts'
import type { Secrets } from '../../secrets.ts'
import type { AccessTokens } from './access-token.ts'
import { normaliseEmail } from './email.ts'
import type { Passwords } from './passwords.ts'
import { judge, RefreshTokens } from './refresh-token.ts'
import type { Account, AccountStore, Caller, Session, SessionStore } from './store.ts'
import type { Visitor } from './visitor.ts'

/** What signing up, signing in and refreshing answer with. */
export type SignedIn = {
  access_token: string
  refresh_token: string
  expires_in: number
  token_type: 'bearer'
  user: { id: string; email: string }
}

export class Sessions {
  readonly #refreshTokens: RefreshTokens

  constructor(
    private readonly accounts: AccountStore,
    private readonly store: SessionStore,
    private readonly limiter: Limiter,
    private readonly passwords: Passwords,
    private readonly accessTokens: AccessTokens,
    private readonly secrets: Secrets,
    private readonly now: () => number = Date.now,
  ) {
    this.#refreshTokens = new RefreshTokens(secrets)
  }

  /** Throws invalid_credentials alike for a wrong password and an unknown address, after the same work. */
  async signIn(request: { email: string; password: string }, { client }: Visitor): Promise<SignedIn> {
    const email = normaliseEmail(request.email)
    const account = await this.accounts.byEmail(email)
    const giveBack = await this.#countGuess(email, account, client)
    const matches = await this.passwords.matches(request.password, account?.passwordHash ?? null)
    if (!account || !matches) throw new AppError('invalid_credentials')

    await Promise.all([giveBack(), this.limiter.giveBack('sign_in', client)])
    if (this.passwords.isOutdated(account.passwordHash)) this.#rehash(account, request.password)
    const session = { ...this.blank(client), userId: account.id }
    await this.store.start(session)
    return this.tokensOf(session, account.email)
  }

  /** Counts before the hash, so that guesses sent at once all count; the right password takes its count back. */
  async #countGuess(email: string, account: Account | null, client: string): Promise<() => Promise<void>> {
    const known = account && (await this.store.knowsClient(account.id, this.#clientMac(client), this.now()))
    const [limit, key] = known
      ? (['sign_in_known_client', `${email} ${client}`] as const)
      : (['sign_in_account', email] as const)
    const taken = await this.limiter.take(limit, key)
    if (!taken.ok) throw new AppError('rate_limited', { retryAfter: taken.retryAfter })
    return () => this.limiter.giveBack(limit, key)
  }

  /** Beside the sign-in, which does not hang on it: the next one tries again. */
  #rehash({ id, passwordHash }: Account, password: string): void {
    this.passwords
      .hash(password)
      .then(hash => this.accounts.changePasswordHash(id, passwordHash, hash))
      .catch(error => log.warn('a password could not be hashed anew: {reason}', { reason: reason(error) }))
  }

  /** Rotates the refresh token. Throws invalid_refresh_token; a stolen one ends its session. */
  async refresh(request: { refresh_token: string }): Promise<SignedIn> {
    const claim = this.#refreshTokens.read(request.refresh_token)
    if (!claim) throw new AppError('invalid_refresh_token')
    const now = this.now()
    const outcome = await this.store.rotateRefreshToken(
      claim.sessionId,
      session => judge(session, claim.generation, now),
      now,
      this.#expiry(now),
    )
    if (outcome?.verdict === 'theft')
      log.warn('a refresh token was used again too late; its session {sessionId} has been ended', claim)
    if (!outcome || outcome.verdict === 'theft' || outcome.verdict === 'invalid')
      throw new AppError('invalid_refresh_token')
    return this.tokensOf(outcome.session, outcome.email)
  }

  /** Ends the session of the token, whichever of its tokens it is; nothing happens for any other. */
  async signOut(request: { refresh_token: string }): Promise<void> {
    const claim = this.#refreshTokens.read(request.refresh_token)
    if (claim) await this.store.end(claim.sessionId)
  }

  /** Who bears the access token, if the token and its session live. */
  authenticate(accessToken: string): Caller | null {
    const claims = this.accessTokens.verify(accessToken)
    return claims && this.store.live(claims.sid, this.now())
  }

  isAlive(sessionId: string): boolean {
    return this.store.live(sessionId, this.now()) !== null
  }

  /** A session that begins now, of nobody yet. */
  blank(client: string): Omit<Session, 'userId'> {
    const now = this.now()
    return {
      id: Bun.randomUUIDv7(),
      client: this.#clientMac(client),
      generation: 0,
      rotatedAt: now,
      createdAt: now,
      expiresAt: this.#expiry(now),
    }
  }

  tokensOf({ id, userId, generation }: Session, email: string): SignedIn {
    return {
      access_token: this.accessTokens.issue(userId, id),
      refresh_token: this.#refreshTokens.issue({ sessionId: id, generation }),
      expires_in: sessionRules.accessTokenSeconds,
      token_type: 'bearer',
      user: { id: userId, email },
    }
  }

  #expiry(now: number): number {
    return now + sessionRules.refreshTokenSeconds * 1000
  }

  #clientMac(client: string): string {
    return this.secrets.mac('clients', client).toString('base64url')
  }
}
