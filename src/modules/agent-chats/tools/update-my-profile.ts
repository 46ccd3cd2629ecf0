import { z } from 'zod'
import { defineTool } from './tool.ts'

export const updateMyProfile = defineTool({
  name: 'update_my_profile',
  description:
    'Changes the profile of the person you are talking with. What is left out stays; null clears avatar_url or bio.',
  needsApproval: true,
  input: z.object({
    username: z
      .string()
      .regex(/^[A-Za-z0-9_]{3,30}$/)
      .optional(),
    avatar_url: z
      .url({ protocol: /^https?$/ })
      .max(2048)
      .nullable()
      .optional(),
    bio: z
      .string()
      .refine(bio => [...bio].length <= 200, 'at most 200 characters')
      .nullable()
      .optional(),
  }),
  run: (change, { people, userId }) => people.change(userId, change),
})
