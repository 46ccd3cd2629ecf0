import { Elysia } from 'elysia'
import type { Guard } from '../../http/guard.ts'
import { describe, problems } from '../../http/openapi.ts'
import * as schema from './schema.ts'
import type { Users } from './service.ts'

export const userRoutes = (users: Users, guard: Guard) =>
  new Elysia({ prefix: '/users', tags: ['Users'] })
    .use(guard)
    .get('/me', ({ caller }) => users.own(caller), {
      signedIn: true,
      response: { 200: schema.profileView, ...problems(401) },
      detail: describe('My profile', '', { signedIn: true }),
    })
    .patch('/me', ({ body, caller }) => users.change(caller.userId, body), {
      signedIn: true,
      body: schema.profileBody,
      response: { 200: schema.profileView, ...problems(401, 422, 503) },
      detail: describe('Change my profile', 'A member left out stays; null clears.', { signedIn: true }),
    })
    .get('/:username', ({ params }) => users.find(params.username), {
      signedIn: true,
      params: schema.usernameParams,
      response: { 200: schema.profileView, ...problems(401, 404, 422) },
      detail: describe('Find a user', '', { signedIn: true }),
    })
