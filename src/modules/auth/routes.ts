import { Elysia } from 'elysia'
import type { Guard } from '../../http/guard.ts'
import { badBody, describe, noContent, problems } from '../../http/openapi.ts'
import type { Users } from '../users/service.ts'
import * as schema from './schema.ts'
import type { Sessions } from './sessions.ts'
import type { SignUp } from './sign-up.ts'

/** What a code is made and kept with. */
const unavailable = ['codes_unavailable', 'storage_unavailable'] as const

export const authRoutes = (signUp: SignUp, sessions: Sessions, users: Users, guard: Guard) =>
  new Elysia({ prefix: '/api/v1/auth', tags: ['Auth'] })
    .use(guard)
    .post(
      '/verifications',
      ({ body, visitor, status }) => signUp.begin(body, visitor).then(begun => status(202, begun)),
      {
        limit: 'sign_up',
        body: schema.signUpBody,
        response: {
          202: schema.accepted,
          ...problems(
            ...badBody,
            'username_taken',
            'redirect_not_allowed',
            'rate_limited',
            'server_busy',
            ...unavailable,
          ),
        },
        detail: describe(
          'beginSignUp',
          'Sign up: begin',
          'Mails a six-digit code. The answer is the same for an address that has an account.',
        ),
      },
    )
    .post(
      '/verifications/resend',
      ({ body, set }) => {
        signUp.resend(body)
        noContent(set)
      },
      {
        limit: 'resend',
        body: schema.emailBody,
        response: {
          204: schema.resent,
          ...problems(...badBody, 'rate_limited', ...unavailable),
        },
        detail: describe(
          'resendCode',
          'Sign up: mail the code again',
          'At most once a minute and five times an hour; the answer does not tell.',
        ),
      },
    )
    .post('/verifications/verify', ({ body, visitor }) => signUp.verify(body, visitor), {
      limit: 'verify',
      body: schema.verifyBody,
      response: {
        200: schema.signedIn,
        ...problems('invalid_code', ...badBody, 'username_taken', 'rate_limited', ...unavailable),
      },
      detail: describe(
        'verifyCode',
        'Sign up: prove the mailbox',
        'Makes the account and signs in. A code is good for ten minutes, one use and five wrong guesses.',
      ),
    })
    .post('/sessions', ({ body, visitor }) => sessions.signIn(body, visitor), {
      limit: 'sign_in',
      body: schema.signInBody,
      response: {
        200: schema.signedIn,
        ...problems('invalid_credentials', ...badBody, 'rate_limited', 'server_busy', 'storage_unavailable'),
      },
      detail: describe('signIn', 'Sign in'),
    })
    .post('/sessions/refresh', ({ body }) => sessions.refresh(body), {
      body: schema.refreshBody,
      response: {
        200: schema.signedIn,
        ...problems('invalid_refresh_token', ...badBody, 'storage_unavailable'),
      },
      detail: describe(
        'refreshTokens',
        'Refresh the tokens',
        'Each use rotates the refresh token. The one before is answered for ten more seconds; used later it ends the session.',
      ),
    })
    .delete('/sessions', ({ body, set }) => sessions.signOut(body).then(() => noContent(set)), {
      body: schema.refreshBody,
      response: { 204: schema.signedOut, ...problems(...badBody, 'storage_unavailable') },
      detail: describe(
        'signOut',
        'Sign out',
        'Idempotent; access tokens of the session stop working at once.',
      ),
    })
    .get('/users', ({ query, caller }) => users.byEmail(query.email, caller), {
      signedIn: true,
      query: schema.emailQuery,
      response: {
        200: schema.accountView,
        ...problems('unauthenticated', 'forbidden', 'user_not_found', 'invalid_request'),
      },
      detail: describe('findAccount', 'Find an account by address', "One's own, or any for an admin."),
    })
