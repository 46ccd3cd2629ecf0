import type { Caller, Session, SessionStore } from '../modules/auth/store.ts'
import type { Database } from './database.ts'

type SessionRow = {
  id: string
  user_id: string
  client: string
  generation: number
  rotated_at: number
  created_at: number
  expires_at: number
}

export function sessionStore(database: Database): SessionStore {
  // Not a join: bun:sqlite takes more than twice as long for one.
  const live = database.prepare<Omit<Caller, 'sessionId'>, [string, number]>(
    `SELECT id AS userId, email, username, avatar_url, bio FROM users
     WHERE id = (SELECT user_id FROM sessions WHERE id = ? AND expires_at > ?)`,
  )
  const knowsClient = database.prepare(
    'SELECT 1 FROM sessions WHERE user_id = ? AND client = ? AND expires_at > ? LIMIT 1',
  )
  const session = database.prepare<SessionRow & { email: string }>(
    `SELECT s.*, u.email FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = ? AND s.expires_at > ?`,
  )
  const rotate = database.prepare(
    'UPDATE sessions SET generation = generation + 1, rotated_at = $now, expires_at = $expiresAt WHERE id = $id',
  )
  const end = database.prepare('DELETE FROM sessions WHERE id = ?')
  const add = insertSession(database)

  return {
    live(sessionId, now) {
      const user = live.get(sessionId, now)
      return user && { sessionId, ...user }
    },
    async knowsClient(userId, client, now) {
      return knowsClient.get(userId, client, now) !== null
    },
    async start(session) {
      await database.write(() => add(session))
    },
    rotateRefreshToken(sessionId, judge, now, expiresAt) {
      return database.write(() => {
        const row = session.get(sessionId, now)
        if (!row) return null
        const before = sessionOf(row)
        const verdict = judge(before)
        if (verdict === 'theft') end.run(sessionId)
        if (verdict !== 'rotate') return { verdict, session: before, email: row.email }
        rotate.run({ id: sessionId, now, expiresAt })
        const after = { ...before, generation: before.generation + 1, rotatedAt: now, expiresAt }
        return { verdict, session: after, email: row.email }
      })
    },
    async end(sessionId) {
      await database.write(() => end.run(sessionId))
    },
  }
}

/** Adds a session within the step that is running. */
export function insertSession(database: Database): (session: Session) => void {
  const insert = database.prepare(
    `INSERT INTO sessions (id, user_id, client, generation, rotated_at, created_at, expires_at)
     VALUES ($id, $userId, $client, $generation, $rotatedAt, $createdAt, $expiresAt)`,
  )
  return session => {
    insert.run(session)
  }
}

const sessionOf = (row: SessionRow): Session => ({
  id: row.id,
  userId: row.user_id,
  client: row.client,
  generation: row.generation,
  rotatedAt: row.rotated_at,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
})
