/**
 * Signing up. An attempt is not an account: nothing of it takes effect before the code that was mailed for
 * it comes back, and a code confirms only its own attempt. So nobody, earlier or later, can put their
 * password on somebody else's address (pre-hijacking, https://www.usenix.org/conference/usenixsecurity22/presentation/sudhodanan).
 */
import { randomInt } from 'node:crypto'
import type { Codes } from '../../adapters/codes/codes.ts'
import type { Limiter } from '../../adapters/limiter/limiter.ts'
import { AppError } from '../../errors.ts'
import { attemptSeconds, codeRules, type LimitName } from '../../limits.ts'
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
   * Both take the same steps, so that neither answer nor time tells them apart.
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
    const code = await this.#issueCode(attempt)
    const mayMail = await this.#mayMail(owner ? 'notice_mail' : 'code_mail', email, attempt.id)

    const mail = owner ? accountExists(owner, locale) : signUpCode(attempt, code)
    await this.accounts.beginSignUp(owner ? null : attempt, mayMail ? mail : null, this.now())
    this.outbox.wake()
    return { email }
  }

  /**
   * Mails a new code for each live attempt of the address, as cool-down and budget allow: which of them is the
   * reader's only the reader can tell. Without an attempt a decoy takes the same steps.
   */
  async resend(request: { email: string }): Promise<void> {
    const email = normaliseEmail(request.email)
    const attempts = await this.accounts.liveAttempts(email, this.now())
    for (const attempt of attempts.length > 0 ? attempts : [null]) await this.#resendOne(email, attempt)
    this.outbox.wake()
  }

  async #resendOne(email: string, attempt: SignUpAttempt | null): Promise<void> {
    const decoy = { id: `decoy:${email}`, email: `decoy:${email}` }
    const target = attempt ?? decoy
    if (!(await this.#mayMail('code_mail', target.email, target.id))) return
    const code = await this.#issueCode(target)
    await this.accounts.enqueueMail(attempt && signUpCode(attempt, code), this.now())
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
  async #issueCode(attempt: { id: string; email: string }): Promise<string> {
    for (;;) {
      const code = String(randomInt(10 ** codeRules.digits)).padStart(codeRules.digits, '0')
      if (await this.codes.issue(attempt.email, attempt.id, code)) return code
    }
  }

  async #mayMail(budget: LimitName, email: string, attemptId: string): Promise<boolean> {
    const cool = await this.limiter.take('attempt_mail', attemptId)
    return cool.ok && (await this.limiter.take(budget, email)).ok
  }

  #checkRedirect(redirectTo: string | null): void {
    if (redirectTo === null) return
    const { origin } = URL.canParse(redirectTo) ? new URL(redirectTo) : { origin: 'null' }
    if (!this.redirectAllowList.includes(origin)) throw new AppError('redirect_not_allowed')
  }
}

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
