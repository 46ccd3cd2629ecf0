/** Every endpoint with a million people in the database, against a thousand. */
import type { Row } from '../figure.ts'
import { type Endpoints, growth } from '../growth.ts'
import { type Person, password, populate } from '../people.ts'

/** So many of them ask, in turn. */
const asking = 500

/** What each asks for `who`; each request is another person's, and `whom` is another person still. */
const endpoints: Endpoints<Person> = {
  'GET /users/me': () => ({ method: 'GET', path: '/users/me', status: 200, signedIn: true }),
  'GET /users/{username}': (_, whom) => ({
    method: 'GET',
    path: `/users/${whom.username}`,
    status: 200,
    signedIn: true,
  }),
  'GET /auth/users': ({ email }) => ({
    method: 'GET',
    path: `/auth/users?email=${email}`,
    status: 200,
    signedIn: true,
  }),
  'PATCH /users/me': ({ username }) => ({
    method: 'PATCH',
    path: '/users/me',
    status: 200,
    signedIn: true,
    body: { bio: `I am ${username}.` },
  }),
  'POST /auth/sessions/refresh': ({ refreshToken }) => ({
    method: 'POST',
    path: '/auth/sessions/refresh',
    status: 200,
    body: { refresh_token: refreshToken },
  }),
  'POST /auth/sessions': ({ email }) => ({
    method: 'POST',
    path: '/auth/sessions',
    status: 200,
    body: { email, password },
    times: 60,
  }),
  'POST /auth/verifications': ({ username }) => ({
    method: 'POST',
    path: '/auth/verifications',
    status: 202,
    body: { email: `new_${username}@example.com`, username: `new_${username}`, password },
    times: 60,
  }),
  'POST /auth/verifications, username taken': ({ username }, whom) => ({
    method: 'POST',
    path: '/auth/verifications',
    status: 422,
    body: { email: `new_${username}@example.com`, username: whom.username, password },
  }),
  'POST /auth/verifications/resend': ({ username }) => ({
    method: 'POST',
    path: '/auth/verifications/resend',
    status: 204,
    body: { email: `nobody_${username}@example.com` },
  }),
  'POST /auth/verifications/verify, wrong code': ({ username }) => ({
    method: 'POST',
    path: '/auth/verifications/verify',
    status: 401,
    body: { email: `nobody_${username}@example.com`, token: '000000' },
  }),
  'POST /agent-chats': () => ({
    method: 'POST',
    path: '/agent-chats',
    status: 200,
    signedIn: true,
    body: { message: '2 words' },
  }),
  'DELETE /auth/sessions': ({ refreshToken }) => ({
    method: 'DELETE',
    path: '/auth/sessions',
    status: 204,
    body: { refresh_token: refreshToken },
  }),
}

export const millionUsers: Row = {
  name: 'million-users',
  run: bench => growth(bench, 'users', (dataDir, size) => populate(dataDir, size, asking), endpoints),
}
