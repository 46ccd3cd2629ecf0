import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { startApp, type TestApp } from '../harness/app.ts'

let app: TestApp
type Person = Awaited<ReturnType<TestApp['newUser']>>
let alice: Person
let bob: Person
beforeAll(async () => {
  app = await startApp()
  alice = await app.newUser({ username: 'Alice' })
  bob = await app.newUser({ username: 'bob' })
})
afterAll(() => app.stop())

describe('GET /users/me', () => {
  test('shows the profile, with null for what is not set', async () => {
    const { status, body } = await app.as(alice)('GET', '/users/me')
    expect([status, body]).toEqual([
      200,
      { id: alice.user.id, username: 'Alice', avatar_url: null, bio: null },
    ])
  })

  test('answers 401 without a token', async () => {
    expect((await app.call('GET', '/users/me')).status).toBe(401)
  })
})

describe('PATCH /users/me', () => {
  const change = (body: unknown, who = bob) => app.as(who)('PATCH', '/users/me', body)

  test('changes what is given, keeps what is not, clears by null', async () => {
    const set = await change({ avatar_url: 'https://example.com/bob.png', bio: '你好 👋' })
    expect(set.body).toEqual({
      id: bob.user.id,
      username: 'bob',
      avatar_url: 'https://example.com/bob.png',
      bio: '你好 👋',
    })
    expect((await change({ bio: null })).body).toEqual({ ...set.body, bio: null })
    expect((await change({})).body).toEqual({ ...set.body, bio: null })
    expect((await change({ avatar_url: null, unknown: 1 })).body).toEqual({
      ...set.body,
      avatar_url: null,
      bio: null,
    })
    expect((await app.as(bob)('GET', '/users/me')).body).toEqual({ ...set.body, avatar_url: null, bio: null })
  })

  test('answers 422 username_taken for the name of another, whatever its case, and changes nothing', async () => {
    const answer = await change({ username: 'aLICE', bio: 'must not be kept' })
    expect([answer.status, answer.body.code]).toEqual([422, 'username_taken'])
    expect((await app.as(bob)('GET', '/users/me')).body.bio).toBeNull()
  })

  test("takes one's own name in another case", async () => {
    expect((await change({ username: 'Bob' })).body.username).toBe('Bob')
  })

  test('gives one name to one of many who ask at once', async () => {
    const people = await Promise.all(Array.from({ length: 5 }, () => app.newUser()))
    const answers = await Promise.all(people.map(person => change({ username: 'wanted' }, person)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 422, 422, 422, 422])
  })

  const invalid: Array<[string, unknown]> = [
    ['a name too short', { username: 'ab' }],
    ['a name of null', { username: null }],
    ['a bio of 201 characters', { bio: 'x'.repeat(201) }],
    ['an avatar that is no address', { avatar_url: 'bob.png' }],
    ['an avatar without a host', { avatar_url: 'https://' }],
    ['half a character', '{"bio":"\\ud800"}'],
    ['a script as an avatar', { avatar_url: 'javascript:alert(1)' }],
    ['a data address as an avatar', { avatar_url: 'data:image/png;base64,AA' }],
    ['an avatar of 2049 characters', { avatar_url: `https://example.com/${'x'.repeat(2029)}` }],
    ['a list', []],
    ['a text', '"x"'],
    ['nothing', undefined],
    ['broken JSON', '{"bio":'],
  ]
  test.each(invalid)('answers 422 for %s and changes nothing', async (_, body) => {
    const before = (await app.as(alice)('GET', '/users/me')).body
    const answer = await change(body, alice)
    expect(answer.status).toBe(422)
    expect((await app.as(alice)('GET', '/users/me')).body).toEqual(before)
  })
})

describe('GET /users/{username}', () => {
  const find = (username: string) => app.as(alice)('GET', `/users/${username}`)

  test('finds somebody, whatever the case', async () => {
    expect((await find('ALICE')).body).toEqual({
      id: alice.user.id,
      username: 'Alice',
      avatar_url: null,
      bio: null,
    })
  })

  test.each([
    ['nobody_here', 404],
    ['ab', 422],
    ['a'.repeat(31), 422],
    ['a-b-c', 422],
    ['%E5%BC%A0%E4%B8%89%E5%9B%9B', 422],
    ['%zz', 422],
    ["x'%20OR%201=1", 422],
    ['a%00bc', 422],
  ] as const)('%s is answered %d', async (username, status) => {
    expect((await find(username)).status).toBe(status)
  })

  test('answers 401 without a token', async () => {
    expect((await app.call('GET', '/users/Alice')).status).toBe(401)
    expect((await app.call('GET', '/users/a')).status).toBe(401)
  })
})
