import { t } from 'elysia'
import { username } from '../users/schema.ts'

/** HTML's own rule for e-mail addresses (https://html.spec.whatwg.org/#valid-e-mail-address), spaces around it allowed. */
const emailPattern =
  "^\\s*[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*\\s*$"

const email = t.String({ pattern: emailPattern, maxLength: 254, examples: ['alice@example.com'] })
const password = t.String({ minLength: 6, maxLength: 256, examples: ['correct horse battery staple'] })
const refreshToken = t.String({ minLength: 1, maxLength: 512 })
const time = t.String({ description: 'ISO 8601, UTC', examples: ['2026-11-22T10:00:00.000Z'] })

export const signUpBody = t.Object({
  username,
  email,
  password,
  redirect_to: t.Optional(
    t.Nullable(t.String({ maxLength: 2048, examples: ['https://app.example.com/welcome'] })),
  ),
})
export const emailBody = t.Object({ email })
export const verifyBody = t.Object({
  email,
  token: t.String({ pattern: '^[0-9]{6}$', examples: ['123456'] }),
})
export const signInBody = t.Object({ email, password })
export const refreshBody = t.Object({ refresh_token: refreshToken })

export const emailQuery = t.Object({ email })

export const accepted = t.Object({ email: t.String() })
export const signedIn = t.Object({
  access_token: t.String({ description: 'JWT, sent as Authorization: Bearer' }),
  refresh_token: t.String({ description: 'Good for one refresh, for 30 days' }),
  expires_in: t.Integer({ description: 'Seconds the access token lives', examples: [3600] }),
  token_type: t.Literal('bearer'),
  user: t.Object({ id: t.String({ format: 'uuid' }), email: t.String() }),
})
export const accountView = t.Object({
  id: t.String({ format: 'uuid' }),
  email: t.String(),
  created_at: time,
  email_confirmed_at: t.Nullable(time),
})
