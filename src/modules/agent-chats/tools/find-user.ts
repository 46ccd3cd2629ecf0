import { z } from 'zod'
import { defineTool } from './tool.ts'

export const findUser = defineTool({
  name: 'find_user',
  description: 'The public profile of the user with exactly this username, in any case.',
  input: z.object({ username: z.string().regex(/^[A-Za-z0-9_]{3,30}$/) }),
  run: ({ username }, { people }) => people.find(username),
})
