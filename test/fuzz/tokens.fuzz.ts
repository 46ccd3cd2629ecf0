/** Access and refresh tokens: what we have not made, to the letter, is worth nothing. */
import { describe, expect } from 'bun:test'
import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { AccessTokens } from '../../src/modules/auth/access-token.ts'
import { RefreshTokens } from '../../src/modules/auth/refresh-token.ts'
import { Secrets } from '../../src/secrets.ts'
import { edited } from './edited.ts'
import { holds } from './holds.ts'

const secret = 'a secret of at least thirty-two bytes'
const access = new AccessTokens(secret, 'parley')
const refresh = new RefreshTokens(new Secrets(secret))

/** Mostly what tokens are made of. */
const unit = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.'),
  },
  { weight: 1, arbitrary: fc.constantFrom(...'+/= \n\u0000') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
)
const claim = fc.record({ sessionId: fc.uuid(), generation: fc.integer({ min: 0, max: 2 ** 32 - 1 }) })

describe('an access token', () => {
  const issued = fc.constant(access.issue('alice', 'session'))
  holds('is refused once anything of it is changed', () =>
    fc.property(
      issued.chain(token => edited(token, unit)),
      token => expect(access.verify(token)).toBeNull(),
    ),
  )

  const json = (value: unknown) => Buffer.from(JSON.stringify(value) ?? '').toString('base64url')
  const header = fc.oneof(
    fc.record({
      alg: fc.constantFrom('HS256', 'none', 'HS512', 'RS256', 'EdDSA', '', null),
      typ: fc.constant('JWT'),
    }),
    fc.jsonValue(),
  )
  const claims = fc.oneof(
    fc.record(
      {
        sub: fc.string(),
        sid: fc.string(),
        jti: fc.string(),
        iss: fc.constant('parley'),
        aud: fc.constant('parley'),
        iat: fc.oneof(fc.constant(0), fc.jsonValue()),
        exp: fc.oneof(fc.constant(2 ** 33), fc.jsonValue()),
      },
      { requiredKeys: [] },
    ),
    fc.jsonValue(),
  )
  const foreignSignature = fc.oneof(
    fc.constant(() => ''),
    fc.base64String().map(text => () => text),
    fc
      .string({ maxLength: 40 })
      .map(key => (signed: string) => createHmac('sha256', `not ${key}`).update(signed).digest('base64url')),
  )
  holds('is refused whatever it claims, if another has signed it', () =>
    fc.property(header, claims, foreignSignature, (header, claims, sign) => {
      const signed = `${json(header)}.${json(claims)}`
      expect(access.verify(`${signed}.${sign(signed)}`)).toBeNull()
    }),
  )

  holds('is refused if it is any text at all', () =>
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), text =>
      expect(access.verify(text)).toBeNull(),
    ),
  )
})

describe('a refresh token', () => {
  holds('says of which session it is, and which of its tokens', () =>
    fc.property(claim, claim => expect(refresh.read(refresh.issue(claim))).toEqual(claim)),
  )

  holds('is refused once anything of it is changed', () =>
    fc.property(
      claim.chain(claim => edited(refresh.issue(claim), unit)),
      token => expect(refresh.read(token)).toBeNull(),
    ),
  )

  holds('is refused if it is any bytes at all', () =>
    fc.property(fc.uint8Array({ maxLength: 100 }), bytes =>
      expect(refresh.read(Buffer.from(bytes).toString('base64url'))).toBeNull(),
    ),
  )
})
