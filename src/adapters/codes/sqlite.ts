import type { Database } from '../../database/database.ts'
import { codeRules } from '../../limits.ts'
import type { Secrets } from '../../secrets.ts'
import { type CodeRules, type Codes, codeHash } from './codes.ts'

const noAttempt = 'none'

/** The embedded codes: survive a restart. */
export class SqliteCodes implements Codes {
  readonly #findOther
  readonly #save
  readonly #spend
  readonly #costGuess
  readonly #dropDead

  constructor(
    private readonly database: Database,
    private readonly secrets: Secrets,
    private readonly now: () => number = Date.now,
    private readonly rules: CodeRules = codeRules,
  ) {
    this.#findOther = database.prepare<{ attempt_id: string }, [string, Buffer, string, number]>(
      'SELECT attempt_id FROM codes WHERE email = ? AND code_hash = ? AND attempt_id <> ? AND expires_at > ?',
    )
    this.#save = database.prepare<null, [string, string, Buffer, number, number]>(
      'INSERT OR REPLACE INTO codes (attempt_id, email, code_hash, guesses_left, expires_at) VALUES (?, ?, ?, ?, ?)',
    )
    this.#spend = database.prepare<{ attempt_id: string }, [string, Buffer, number]>(
      'DELETE FROM codes WHERE email = ? AND code_hash = ? AND expires_at > ? RETURNING attempt_id',
    )
    this.#costGuess = database.prepare<null, [string]>(
      'UPDATE codes SET guesses_left = guesses_left - 1 WHERE email = ?',
    )
    this.#dropDead = database.prepare<null, [string, number]>(
      'DELETE FROM codes WHERE email = ? AND (guesses_left <= 0 OR expires_at <= ?)',
    )
  }

  issue(email: string, attemptId: string, code: string): Promise<boolean> {
    const hash = codeHash(this.secrets, email, code)
    return this.database.write(() => {
      const now = this.now()
      if (this.#findOther.get(email, hash, attemptId, now)) return false
      this.#save.run(attemptId, email, hash, this.rules.wrongGuesses, now + this.rules.seconds * 1000)
      return true
    })
  }

  redeem(email: string, code: string): Promise<string | null> {
    const hash = codeHash(this.secrets, email, code)
    return this.database.write(() => {
      const now = this.now()
      const spent = this.#spend.get(email, hash, now)
      if (spent) return spent.attempt_id
      // This line is gone again below: without it a wrong code would cost no commit at an address that has none,
      // and the time would tell.
      this.#save.run(noAttempt, email, hash, 0, 0)
      this.#costGuess.run(email)
      this.#dropDead.run(email, now)
      return null
    })
  }
}
