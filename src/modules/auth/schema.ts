import { Type } from '@sinclair/typebox'
import { t } from 'elysia'
import { text } from '../../http/text.ts'
import { username } from '../users/schema.ts'

/**
 * HTML's own rule for e-mail addresses (https://html.spec.whatwg.org/#valid-e-mail-address), spaces around it allowed;
 * but the last part of the domain begins with a letter, since what ends in a number may be read as an IPv4
 * address (RFC 1123, 2.1), and the mail go to another domain than the one that was kept.
 */
const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?'
const lastLabel = '[a-zA-Z](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?'
const emailPattern = `^\\s*[a-zA-Z0-9.!#$%&'*+/=?^_\`{|}~-]{1,64}@(?:${label}\\.)*${lastLabel}\\s*$`

const email = t.String({ pattern: emailPattern, maxLength: 254, examples: ['alice@example.com'] })
const password = text({ minLength: 6, maxLength: 256, examples: ['correct horse battery staple'] })
const refreshToken = text({
  minLength: 1,
  maxLength: 512,
  examples: ['AZ4Y7nqgcAC_Xc9fVhT3UgAAAABtH0k3c1lYx2dQ0b7nJ8yWmZ5rKqE4uVwLxTtPaSgfOA'],
})
const id = t.String({ format: 'uuid', examples: ['019e18ee-7aa0-7000-bf5d-cf5f5614f752'] })
const knownEmail = t.String({ examples: ['alice@example.com'] })
const time = t.String({
  format: 'date-time',
  description: 'ISO 8601, UTC',
  examples: ['2026-11-22T10:00:00.000Z'],
})

export const signUpBody = t.Object(
  {
    username,
    email,
    password,
    redirect_to: t.Optional(
      t.Nullable(text({ maxLength: 2048 }), {
        description:
          'Where the mail is to lead back to, as https://app.example.com/welcome; its origin stands in REDIRECT_ALLOW_LIST',
      }),
    ),
  },
  { title: 'SignUp' },
)
export const emailBody = t.Object({ email }, { title: 'EmailAddress' })
export const verifyBody = t.Object(
  { email, token: t.String({ pattern: '^[0-9]{6}$', examples: ['123456'] }) },
  { title: 'CodeFromMail' },
)
export const signInBody = t.Object({ email, password }, { title: 'SignIn' })
export const refreshBody = t.Object({ refresh_token: refreshToken }, { title: 'RefreshToken' })

export const emailQuery = t.Object({ email })

export const accepted = t.Object(
  { email: knownEmail },
  { title: 'SignUpBegun', description: 'The code is on its way to this address' },
)
export const resent = t.Void({
  description: 'A code is on its way, if somebody is signing up with this address',
})
export const signedOut = t.Void({ description: 'The session has ended' })
export const signedIn = t.Object(
  {
    access_token: t.String({
      description: 'JWT, sent as Authorization: Bearer',
      examples: ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIwMTllMThlZSJ9.c2lnbmF0dXJl'],
    }),
    refresh_token: t.String({
      description: 'Good for one refresh, for 30 days',
      examples: refreshToken.examples as string[],
    }),
    // Elysia's own Integer takes text, too.
    expires_in: Type.Integer({ description: 'Seconds the access token lives', examples: [3600] }),
    token_type: t.Literal('bearer'),
    user: t.Object({ id, email: knownEmail }),
  },
  { title: 'SignedIn', description: 'A session and its tokens' },
)
export const accountView = t.Object(
  { id, email: knownEmail, created_at: time, email_confirmed_at: t.Nullable(time) },
  { title: 'Account', description: 'The account of the address' },
)
