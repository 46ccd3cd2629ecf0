import { describe, expect, test } from 'bun:test'
import { createHmac } from 'node:crypto'
import jwt from '@elysiajs/jwt'
import { Elysia } from 'elysia'
import { AccessTokens } from '../../src/modules/auth/access-token.ts'

const secret = 'a secret of at least thirty-two bytes'
const issuer = 'https://chat.example.com'
const tokens = new AccessTokens(secret, issuer)
const nowSeconds = Math.floor(Date.now() / 1000)
const good = {
  sub: '0192f0c1-0000-7000-8000-000000000001',
  sid: '0192f0c1-0000-7000-8000-000000000002',
  jti: '0192f0c1-0000-7000-8000-000000000003',
  iss: issuer,
  aud: 'parley',
  iat: nowSeconds,
  exp: nowSeconds + 3600,
}

const segment = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token by the letter of RFC 7515, made without the library under test. */
function forge(claims: object, { alg = 'HS256', hash = 'sha256', key = secret } = {}): string {
  const signed = `${segment({ alg, typ: 'JWT' })}.${segment(claims)}`
  const signature = alg === 'none' ? '' : createHmac(hash, key).update(signed).digest('base64url')
  return `${signed}.${signature}`
}

const without = (claim: keyof typeof good) => {
  const { [claim]: _, ...rest } = good
  return rest
}

/** The next character: it differs only in bits that no byte has. */
const respelt = (token: string) =>
  token.slice(0, -1) + String.fromCharCode(token.charCodeAt(token.length - 1) + 1)

describe('an access token', () => {
  test('lives an hour and says whose it is, of which session, from whom and for whom', () => {
    const [, payload] = tokens.issue('user', 'session').split('.')
    const claims = JSON.parse(Buffer.from(payload!, 'base64url').toString())
    expect(claims).toEqual({
      sub: 'user',
      sid: 'session',
      iss: issuer,
      aud: 'parley',
      iat: expect.any(Number),
      exp: claims.iat + 3600,
      jti: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
    })
  })

  test('is taken when another library of the standard signed it', () => {
    expect(tokens.verify(forge(good))).toMatchObject({ sub: good.sub, sid: good.sid })
  })

  const refused: Array<[string, string]> = [
    ['signed with another secret', forge(good, { key: `${secret}!` })],
    ['without a signature', forge(good, { alg: 'none' })],
    ['with HS384 under our secret', forge(good, { alg: 'HS384', hash: 'sha384' })],
    ['with HS512 under our secret', forge(good, { alg: 'HS512', hash: 'sha512' })],
    ['that names HS512 and is signed with HS256', forge(good, { alg: 'HS512' })],
    ['of another issuer', forge({ ...good, iss: 'https://evil.example.com' })],
    ['for another audience', forge({ ...good, aud: 'billing' })],
    ['that has expired', forge({ ...good, iat: nowSeconds - 7200, exp: nowSeconds - 1 })],
    ['that is not valid yet', forge({ ...good, nbf: nowSeconds + 60 })],
    ...(Object.keys(good) as Array<keyof typeof good>).map((claim): [string, string] => [
      `without ${claim}`,
      forge(without(claim)),
    ]),
    ['whose expiry is no number', forge({ ...good, exp: 'never' })],
    ['whose payload was changed', tokens.issue('user', 'session').replace(/\.[^.]+\./, `.${segment(good)}.`)],
    ['whose signature is spelt another way', respelt(tokens.issue('user', 'session'))],
    ['that is empty', ''],
    ['that is no token', 'not.a.token'],
    ['that is very long', 'a'.repeat(100_000)],
  ]
  test.each(refused)('is refused %s', (_, token) => {
    expect(tokens.verify(token)).toBeNull()
    // The second look is the cache's.
    expect(tokens.verify(token)).toBeNull()
  })

  test('is refused once it has expired, even if it was verified before', async () => {
    const brief = forge({ ...good, iat: nowSeconds - 10, exp: Math.floor(Date.now() / 1000) + 2 })
    expect(tokens.verify(brief)).not.toBeNull()
    await Bun.sleep(3100)
    expect(tokens.verify(brief)).toBeNull()
  })

  describe('beside @elysiajs/jwt', () => {
    const plugin = new Elysia().use(jwt({ secret, alg: 'HS256', iss: issuer, aud: 'parley', exp: '1h' }))
    const theirs = plugin.decorator.jwt

    test('of ours is taken by it', async () => {
      const claims = await theirs.verify(tokens.issue('user', 'session'), {
        algorithms: ['HS256'],
        issuer,
        audience: 'parley',
        requiredClaims: ['exp'],
      })
      expect(claims).toMatchObject({ sub: 'user', sid: 'session' })
    })

    test('of its is taken by us', async () => {
      const { sub, sid, jti } = good
      const token = await theirs.sign({ sub, sid, jti, iat: nowSeconds } as never)
      expect(tokens.verify(token)).toMatchObject({ sub, sid })
    })
  })
})
