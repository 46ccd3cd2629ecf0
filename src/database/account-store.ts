import type { MailOrder } from '../modules/auth/mails/index.ts'
import type { Account, AccountStore, Session, SignUpAttempt } from '../modules/auth/store.ts'
import type { Locale } from '../texts/index.ts'
import type { Database } from './database.ts'
import { insertSession } from './session-store.ts'

type AccountRow = { id: string; email: string; username: string; password_hash: string }
type AttemptRow = AccountRow & { redirect_to: string | null; locale: Locale; expires_at: number }

/** @param enqueue puts a mail, or a decoy, into the outbox within the step that is running */
export function accountStore(
  database: Database,
  enqueue: (mail: MailOrder | null, now: number) => void,
): AccountStore {
  const byEmail = database.prepare<AccountRow>(
    'SELECT id, email, username, password_hash FROM users WHERE email = ?',
  )
  const byUsername = database.prepare('SELECT 1 FROM users WHERE username = ?')
  const insertUser = database.prepare(
    'INSERT INTO users (id, email, username, password_hash, created_at) VALUES ($id, $email, $username, $passwordHash, $now)',
  )
  const changeHash = database.prepare(
    'UPDATE users SET password_hash = $to WHERE id = $id AND password_hash = $from',
  )
  const insertAttempt = database.prepare(
    `INSERT INTO sign_up_attempts (id, email, username, password_hash, redirect_to, locale, expires_at)
     VALUES ($id, $email, $username, $passwordHash, $redirectTo, $locale, $expiresAt)`,
  )
  const attempt = database.prepare<AttemptRow>(
    'SELECT * FROM sign_up_attempts WHERE id = ? AND expires_at > ?',
  )
  const attemptsOf = database.prepare<AttemptRow>(
    'SELECT * FROM sign_up_attempts WHERE email = ? AND expires_at > ? ORDER BY id LIMIT 20',
  )
  const deleteAttempt = database.prepare('DELETE FROM sign_up_attempts WHERE id = ?')
  const deleteAttemptsOf = database.prepare('DELETE FROM sign_up_attempts WHERE email = ?')
  const addSession = insertSession(database)

  const confirm = (attemptId: string, userId: string, session: Omit<Session, 'userId'>, now: number) => {
    const row = attempt.get(attemptId, now)
    if (!row || byEmail.get(row.email)) return 'gone'
    deleteAttempt.run(attemptId)
    if (byUsername.get(row.username)) return 'username_taken'
    const { email, username, password_hash: passwordHash } = row
    insertUser.run({ id: userId, email, username, passwordHash, now })
    deleteAttemptsOf.run(email)
    addSession({ ...session, userId })
    return { id: userId, email, username, passwordHash }
  }

  return {
    async byEmail(email) {
      const row = byEmail.get(email)
      return row && account(row)
    },
    async isUsernameTaken(username) {
      return byUsername.get(username) !== null
    },
    beginSignUp(attempt, mail, now) {
      return database.write(() => {
        if (attempt) insertAttempt.run(attempt)
        enqueue(mail, now)
      })
    },
    async liveAttempts(email, now) {
      return attemptsOf.all(email, now).map(signUpAttempt)
    },
    enqueueMail(mail, now) {
      return database.write(() => enqueue(mail, now))
    },
    confirmSignUp(attemptId, userId, session, now) {
      return database.write(() => confirm(attemptId, userId, session, now))
    },
    async changePasswordHash(id, from, to) {
      await database.write(() => changeHash.run({ id, from, to }))
    },
  }
}

const account = ({ id, email, username, password_hash }: AccountRow): Account => ({
  id,
  email,
  username,
  passwordHash: password_hash,
})

const signUpAttempt = ({ redirect_to, locale, expires_at, ...row }: AttemptRow): SignUpAttempt => ({
  ...account(row),
  redirectTo: redirect_to,
  locale,
  expiresAt: expires_at,
})
