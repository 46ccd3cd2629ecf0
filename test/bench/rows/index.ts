/** The rows, in the order in which they are run and shown. */
import type { Row } from '../figure.ts'
import { firstToken } from './first-token.ts'
import { millionUsers } from './million-users.ts'
import { refresh } from './refresh.ts'
import { signIn } from './sign-in.ts'
import { start } from './start.ts'
import { usersMe } from './users-me.ts'

export const rows: Row[] = [usersMe, signIn, refresh, firstToken, start, millionUsers]
