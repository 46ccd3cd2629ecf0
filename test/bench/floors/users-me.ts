/** The least a signed-in read can be: Bun.serve, one HMAC of node:crypto, one query of two tables. */
import { Database } from 'bun:sqlite'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const queries = {
  join: `SELECT u.id, u.username, u.avatar_url, u.bio FROM sessions s JOIN users u ON u.id = s.user_id
         WHERE s.id = ? AND s.expires_at > ?`,
  'sub-select': `SELECT id, username, avatar_url, bio FROM users
                 WHERE id = (SELECT user_id FROM sessions WHERE id = ? AND expires_at > ?)`,
}
const [dataDir, query] = Bun.argv.slice(2) as [string, keyof typeof queries]
const secret = readFileSync(join(dataDir, 'secret'), 'utf8')
const profile = new Database(join(dataDir, 'parley.db')).prepare(queries[query])

Bun.serve({
  hostname: '127.0.0.1',
  port: Bun.env.PORT,
  fetch(request) {
    const token = request.headers.get('authorization')?.slice('Bearer '.length)
    // Asked whether it is up.
    if (!token) return new Response()
    const claims = verified(token)
    const found = claims && profile.get(claims.sid, Date.now())
    return found ? Response.json(found) : new Response(null, { status: 401 })
  },
})

function verified(token: string): { sid: string } | null {
  const dot = token.lastIndexOf('.')
  const mac = createHmac('sha256', secret).update(token.slice(0, dot)).digest()
  if (!timingSafeEqual(mac, Buffer.from(token.slice(dot + 1), 'base64url'))) return null
  const claims = JSON.parse(Buffer.from(token.slice(token.indexOf('.') + 1, dot), 'base64url').toString())
  return claims.exp > Date.now() / 1000 ? claims : null
}
