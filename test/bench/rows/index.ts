/** The rows, in the order in which they are run and shown. */
import type { Row } from '../figure.ts'
import { abortedStreams } from './aborted-streams.ts'
import { firstToken } from './first-token.ts'
import { generators } from './generators.ts'
import { millionMessages } from './million-messages.ts'
import { millionUsers } from './million-users.ts'
import { openStreams } from './open-streams.ts'
import { pausedReader } from './paused-reader.ts'
import { refresh } from './refresh.ts'
import { resume } from './resume.ts'
import { signIn } from './sign-in.ts'
import { size } from './size.ts'
import { start } from './start.ts'
import { tokenCost } from './token-cost.ts'
import { usersMe } from './users-me.ts'

export const rows: Row[] = [
  generators,
  usersMe,
  signIn,
  refresh,
  firstToken,
  tokenCost,
  resume,
  openStreams,
  pausedReader,
  abortedStreams,
  start,
  size,
  millionUsers,
  millionMessages,
]
