import { z } from 'zod'
import { defineTool } from './tool.ts'

export const getMyProfile = defineTool({
  name: 'get_my_profile',
  description: 'The profile of the person you are talking with: username, avatar_url, bio.',
  input: z.object({}),
  run: (_, { people, userId }) => people.profile(userId),
})
