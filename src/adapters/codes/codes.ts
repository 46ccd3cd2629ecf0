import type { Secrets } from '../../secrets.ts'

/**
 * The codes that prove a mailbox, kept keyed-hashed. Several attempts of one address can each have one.
 * Every method is atomic and rejects with AppError codes_unavailable where its store is away.
 */
export interface Codes {
  /**
   * Gives the attempt this code for ten minutes and five wrong guesses, in place of the one it had.
   * False if another attempt of the address has the same code just now: draw another.
   */
  issue(email: string, attemptId: string, code: string): Promise<boolean>
  /**
   * The attempt that this code was mailed for, once. Null for a wrong code, which costs every live code of
   * the address a guess.
   */
  redeem(email: string, code: string): Promise<string | null>
}

/** How long a code lives and how many wrong guesses it survives. */
export type CodeRules = { wrongGuesses: number; seconds: number }

/** All that is kept of a code: a million codes are soon hashed, but not without the key. */
export const codeHash = (secrets: Secrets, email: string, code: string): Buffer =>
  secrets.mac('codes', `${email}\n${code}`)
