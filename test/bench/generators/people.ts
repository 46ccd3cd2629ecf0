/**
 * Fills a data folder's database with so many people, each with a session, as if they had signed up and in.
 * Prints some of them, spread evenly, as JSON.
 */
import { join } from 'node:path'
import { Database } from '../../../src/database/database.ts'
import { sessionRules } from '../../../src/limits.ts'
import { AccessTokens } from '../../../src/modules/auth/access-token.ts'
import { Passwords } from '../../../src/modules/auth/passwords.ts'
import { RefreshTokens } from '../../../src/modules/auth/refresh-token.ts'
import { Secrets } from '../../../src/secrets.ts'
import { type Person, password, publicUrl } from '../people.ts'

const perCommit = 50_000

const [dataDir, size, wanted] = Bun.argv.slice(2) as [string, string, string]
const database = new Database(join(dataDir, 'parley.db'))
// Names come in no order, so their indexes are written all over; in memory that takes seconds.
database.prepare('PRAGMA cache_size = -1000000').get()
const settle = settler(await new Passwords(1, 1).hash(password))
const tokensOf = issuer(Secrets.of(undefined, dataDir))
const step = Math.floor(+size / +wanted)
const people: Person[] = []
for (let from = 0; from < +size; from += perCommit)
  await database.write(() => {
    for (let i = from; i < Math.min(+size, from + perCommit); i++) {
      const settled = settle(i)
      if (i % step === 0 && people.length < +wanted) people.push({ ...settled, ...tokensOf(settled) })
    }
  })
database.close()
console.log(JSON.stringify(people))

function settler(passwordHash: string) {
  const insertUser = database.prepare(
    'INSERT INTO users (id, email, username, password_hash, created_at) VALUES (?, ?, ?, ?, ?)',
  )
  const insertSession = database.prepare(
    `INSERT INTO sessions (id, user_id, client, generation, rotated_at, created_at, expires_at)
     VALUES (?, ?, ?, 0, ?, ?, ?)`,
  )
  const now = Date.now()
  return (i: number) => {
    const id = Bun.randomUUIDv7()
    const sessionId = Bun.randomUUIDv7()
    const username = `u${Bun.hash(String(i)).toString(36)}`
    const email = `${username}@example.com`
    insertUser.run(id, email, username, passwordHash, now)
    insertSession.run(sessionId, id, 'bench', now, now, now + sessionRules.refreshTokenSeconds * 1000)
    return { id, sessionId, username, email }
  }
}

function issuer(secrets: Secrets) {
  const accessTokens = new AccessTokens(secrets.jwtSecret, publicUrl)
  const refreshTokens = new RefreshTokens(secrets)
  return ({ id, sessionId }: { id: string; sessionId: string }) => ({
    accessToken: accessTokens.issue(id, sessionId),
    refreshToken: refreshTokens.issue({ sessionId, generation: 0 }),
  })
}
