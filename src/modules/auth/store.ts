/** What accounts and sessions need kept; every method is one atomic step. Times in milliseconds. */
import type { Locale } from '../../texts/index.ts'
import type { MailOrder } from './mails/index.ts'
import type { Verdict } from './refresh-token.ts'

export type Account = { id: string; email: string; username: string; passwordHash: string }

export type SignUpAttempt = {
  id: string
  email: string
  username: string
  passwordHash: string
  redirectTo: string | null
  locale: Locale
  expiresAt: number
}

export type Session = {
  id: string
  userId: string
  /** Where it was started from, as a MAC. */
  client: string
  generation: number
  rotatedAt: number
  createdAt: number
  expiresAt: number
}

export interface AccountStore {
  byEmail(email: string): Promise<Account | null>
  isUsernameTaken(username: string): Promise<boolean>
  /** Keeps the attempt and what is to be mailed. No attempt, no mail: a decoy row is written, which takes the same time. */
  beginSignUp(attempt: SignUpAttempt | null, mail: MailOrder | null, now: number): Promise<void>
  /** The attempts of an address that can still be confirmed, oldest first. */
  liveAttempts(email: string, now: number): Promise<SignUpAttempt[]>
  enqueueMail(mail: MailOrder, now: number): Promise<void>
  /**
   * Makes the attempt an account with a first session, and voids all other attempts of its address. An
   * attempt that is gone or whose address has an account meanwhile: 'gone'.
   */
  confirmSignUp(
    attemptId: string,
    userId: string,
    session: Omit<Session, 'userId'>,
    now: number,
  ): Promise<Account | 'gone' | 'username_taken'>
  changePasswordHash(userId: string, from: string, to: string): Promise<void>
}

/** Who sends a request: a live session and its user, read together since every read is a transaction. */
export type Caller = {
  sessionId: string
  userId: string
  email: string
  username: string
  avatar_url: string | null
  bio: string | null
}

export interface SessionStore {
  /** The session and its user, if it lives. Synchronous: it is read on every authenticated request. */
  live(sessionId: string, now: number): Caller | null
  /** Whether the user has a live session that was started by this client. */
  knowsClient(userId: string, client: string, now: number): Promise<boolean>
  start(session: Session): Promise<void>
  /**
   * Lets `judge` decide about the live session and does as it says: rotate moves it to the next generation
   * and lengthens it, theft ends it. Null where there is no live session.
   */
  rotateRefreshToken(
    sessionId: string,
    judge: (session: Session) => Verdict,
    now: number,
    expiresAt: number,
  ): Promise<{ verdict: Verdict; session: Session; email: string } | null>
  end(sessionId: string): Promise<void>
}
