import { t } from 'elysia'
import { text } from '../../http/text.ts'

export const username = t.String({
  minLength: 3,
  maxLength: 30,
  pattern: '^[A-Za-z0-9_]+$',
  examples: ['alice'],
})

export const usernameParams = t.Object({ username })

const avatar = ['https://example.com/alice.png']
const bio = ['Reads a lot, answers late.']

export const profileBody = t.Object(
  {
    username: t.Optional(username),
    avatar_url: t.Optional(
      t.Nullable(
        t.String({
          format: 'uri',
          pattern: '^[Hh][Tt][Tt][Pp][Ss]?://[^/?#]',
          maxLength: 2048,
          examples: avatar,
        }),
      ),
    ),
    bio: t.Optional(t.Nullable(text({ maxLength: 200, examples: bio }))),
  },
  { title: 'ProfileChange' },
)

export const profileView = t.Object(
  {
    id: t.String({ format: 'uuid', examples: ['019e18ee-7aa0-7000-bf5d-cf5f5614f752'] }),
    username: t.String({ examples: ['alice'] }),
    avatar_url: t.Nullable(t.String({ examples: avatar })),
    bio: t.Nullable(t.String({ examples: bio })),
  },
  { title: 'Profile', description: 'The profile' },
)
