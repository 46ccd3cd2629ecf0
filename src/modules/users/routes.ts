import { Elysia } from 'elysia'
import type { Guard } from '../../http/guard.ts'
import { badBody, describe, problems } from '../../http/openapi.ts'
import * as schema from './schema.ts'
import type { Users } from './service.ts'

export const userRoutes = (users: Users, guard: Guard) =>
  new Elysia({ prefix: '/api/v1/users', tags: ['Users'] })
    .use(guard)
    .get('/me', ({ caller }) => users.own(caller), {
      signedIn: true,
      response: { 200: schema.profileView, ...problems('unauthenticated') },
      detail: describe('getMyProfile', 'My profile'),
    })
    .patch('/me', ({ body, caller }) => users.change(caller.userId, body), {
      signedIn: true,
      body: schema.profileBody,
      response: {
        200: schema.profileView,
        ...problems('unauthenticated', ...badBody, 'username_taken', 'storage_unavailable'),
      },
      detail: describe('changeMyProfile', 'Change my profile', 'A member left out stays; null clears.'),
    })
    .get('/:username', ({ params }) => users.find(params.username), {
      signedIn: true,
      params: schema.usernameParams,
      response: {
        200: schema.profileView,
        ...problems('unauthenticated', 'user_not_found', 'invalid_request'),
      },
      detail: describe('findUser', 'Find a user'),
    })
