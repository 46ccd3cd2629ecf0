/**
 * Signing up. An attempt is not an account: nothing of it takes effect before the code that was mailed for
 * it comes back, and a code confirms only its own attempt. So nobody, earlier or later, can put their
 * password on somebody else's address (pre-hijacking, https://www.usenix.org/conference/usenixsecurity22/presentation/sudhodanan).
 */
import type { Codes } from '../../adapters/codes/codes.ts'
import type { Limiter } from '../../adapters/limiter/limiter.ts'
import { AppError } from '../../errors.ts'
import { lateCrypto } from '../../late-crypto.ts'
import { attemptSeconds, codeRules } from '../../limits.ts'
import { log, reason } from '../../log.ts'
import { normaliseEmail } from './email.ts'
import type { MailOrder } from './mails/index.ts'
import type { Passwords } from './passwords.ts'
import type { Sessions, SignedIn } from './sessions.ts'
import type { Account, AccountStore, SignUpAttempt } from './store.ts'
import type { Visitor } from './visitor.ts'

export type SignUpRequest = { username: string; email: string; password: string; redirect_to?: string | null }

export class SignUp {
  constructor(
    private readonly accounts: AccountStore,
    private readonly codes: Codes,
    private readonly limiter: Limiter,
    private readonly passwords: Passwords,
    private readonly sessions: Sessions,
    private readonly outbox: { wake(): void },
    private readonly redirectAllowList: string[],
    private readonly now: () => number = Date.now,
  ) {}

  /**
   * Begins an attempt and mails its code; the owner of an address that has an account gets a notice instead.
   * Both take the same steps, so that neither answer nor time tells them apart. What the budget swallows has
   * no live code: it would only be there to be guessed.
   */
  async begin(request: SignUpRequest, { locale }: Visitor): Promise<{ email: string }> {
    const email = normaliseEmail(request.email)
    const redirectTo = request.redirect_to ?? null
    this.#checkRedirect(redirectTo)
    if (await this.accounts.isUsernameTaken(request.username)) throw new AppError('username_taken')

    const attempt: SignUpAttempt = {
      id: Bun.randomUUIDv7(),
      email,
      username: request.username,
      passwordHash: await this.passwords.hash(request.password),
      redirectTo,
      locale,
      expiresAt: this.now() + attemptSeconds * 1000,
    }
    const owner = await this.accounts.byEmail(email)
    await this.limiter.take('attempt_mail', attempt.id)
    const mayMailCode = (await this.limiter.take('code_mail', email)).ok
    const mayMailNotice = (await this.limiter.take('notice_mail', owner ? email : decoyOf(email))).ok
    const code = await this.#issueCode(attempt.id, mayMailCode ? email : decoyOf(email))

    const mail = owner ? accountExists(owner, locale) : signUpCode(attempt, code)
    const mayMail = owner ? mayMailNotice : mayMailCode
    await this.accounts.beginSignUp(owner ? null : attempt, mayMail ? mail : null, this.now())
    this.outbox.wake()
    return { email }
  }

  /**
   * Mails a new code for each live attempt of the address, as cool-down and budget allow: which of them is the
   * reader's only the reader can tell. Nobody waits for it, since the time it takes would tell whether there is one.
   */
  resend(request: { email: string }): void {
    this.#resendAll(normaliseEmail(request.email)).catch(error =>
      log.error('codes could not be mailed again: {reason}', { reason: reason(error) }),
    )
  }

  async #resendAll(email: string): Promise<void> {
    for (const attempt of await this.accounts.liveAttempts(email, this.now())) {
      const mayMail =
        (await this.limiter.take('attempt_mail', attempt.id)).ok &&
        (await this.limiter.take('code_mail', email)).ok
      if (!mayMail) continue
      const code = await this.#issueCode(attempt.id, email)
      await this.accounts.enqueueMail(signUpCode(attempt, code), this.now())
      this.outbox.wake()
    }
  }

  /** Proves the mailbox: the attempt that the code was mailed for becomes an account, signed in. */
  async verify(request: { email: string; token: string }, { client }: Visitor): Promise<SignedIn> {
    const email = normaliseEmail(request.email)
    const guess = await this.limiter.take('code_guess', email)
    if (!guess.ok) throw new AppError('rate_limited', { retryAfter: guess.retryAfter })
    const attemptId = await this.codes.redeem(email, request.token)
    if (!attemptId) throw new AppError('invalid_code')

    const session = this.sessions.blank(client)
    const account = await this.accounts.confirmSignUp(attemptId, Bun.randomUUIDv7(), session, this.now())
    if (account === 'gone') throw new AppError('invalid_code')
    await this.limiter.giveBack('code_guess', email)
    await this.limiter.giveBack('verify', client)
    if (account === 'username_taken') throw new AppError('username_taken')
    return this.sessions.tokensOf({ ...session, userId: account.id }, account.email)
  }

  /** Another draw where a live attempt of the address has that code already. */
  async #issueCode(attemptId: string, email: string): Promise<string> {
    for (;;) {
      const code = String(lateCrypto().randomInt(10 ** codeRules.digits)).padStart(codeRules.digits, '0')
      if (await this.codes.issue(email, attemptId, code)) return code
    }
  }

  #checkRedirect(redirectTo: string | null): void {
    if (redirectTo === null) return
    const url = URL.parse(redirectTo)
    // A blob: address has the origin of another.
    const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:'
    if (!isWeb || !this.redirectAllowList.includes(url.origin)) throw new AppError('redirect_not_allowed')
  }
}

/** Stands for an address where the same is to be done to no effect. */
const decoyOf = (email: string) => `decoy:${email}`

const accountExists = ({ email, username }: Account, locale: SignUpAttempt['locale']): MailOrder => ({
  template: 'account_exists',
  to: email,
  locale,
  params: { username },
})

const signUpCode = ({ email, locale, username, redirectTo }: SignUpAttempt, code: string): MailOrder => ({
  template: 'sign_up_code',
  to: email,
  locale,
  params: { code, username, redirectTo },
})
