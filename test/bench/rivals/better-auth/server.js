/** better-auth on bun:sqlite, with Parley's password hash. Its rate limit is off: one client sends all the load. */
import { Database } from 'bun:sqlite'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'

const database = new Database(`${Bun.env.DATA_DIR}/auth.db`, { create: true })
database.run('PRAGMA journal_mode = WAL')
const auth = betterAuth({
  database,
  secret: 'only for the bench, 32 bytes long or more',
  baseURL: `http://127.0.0.1:${Bun.env.PORT}`,
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  emailAndPassword: {
    enabled: true,
    password: {
      hash: password =>
        Bun.password.hash(password, { algorithm: 'argon2id', memoryCost: 19_456, timeCost: 2 }),
      verify: ({ password, hash }) => Bun.password.verify(password, hash),
    },
  },
})
await (await getMigrations(auth.options)).runMigrations()

Bun.serve({ hostname: '127.0.0.1', port: Bun.env.PORT, fetch: auth.handler })
