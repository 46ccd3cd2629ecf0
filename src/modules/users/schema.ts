import { t } from 'elysia'

export const username = t.String({
  minLength: 3,
  maxLength: 30,
  pattern: '^[A-Za-z0-9_]+$',
  examples: ['alice'],
})

export const usernameParams = t.Object({ username })

export const profileBody = t.Object({
  username: t.Optional(username),
  avatar_url: t.Optional(
    t.Nullable(
      t.String({
        format: 'uri',
        pattern: '^[Hh][Tt][Tt][Pp][Ss]?://',
        maxLength: 2048,
        examples: ['https://example.com/a.png'],
      }),
    ),
  ),
  bio: t.Optional(t.Nullable(t.String({ maxLength: 200 }))),
})

export const profileView = t.Object({
  id: t.String({ format: 'uuid' }),
  username: t.String(),
  avatar_url: t.Nullable(t.String()),
  bio: t.Nullable(t.String()),
})
