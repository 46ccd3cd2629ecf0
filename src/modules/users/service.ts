import { AppError } from '../../errors.ts'
import { normaliseEmail } from '../auth/email.ts'
import type { Caller } from '../auth/store.ts'
import type { Profile, ProfileChange, UserStore } from './store.ts'

export class Users {
  constructor(
    private readonly store: UserStore,
    private readonly admins: string[],
  ) {}

  /** The caller's own, as it was read with the request. */
  own({ userId, username, avatar_url, bio }: Caller): Profile {
    return { id: userId, username, avatar_url, bio }
  }

  async profile(userId: string): Promise<Profile> {
    return found(await this.store.profile(userId))
  }

  async find(username: string): Promise<Profile> {
    return found(await this.store.byUsername(username))
  }

  async change(userId: string, change: ProfileChange): Promise<Profile> {
    const changed = await this.store.change(userId, change)
    if (changed === 'username_taken') throw new AppError('username_taken')
    return found(changed)
  }

  /** One's own address, or any for an admin; to everyone else it is forbidden whether or not it exists. */
  async byEmail(address: string, caller: { email: string }): Promise<AccountView> {
    const email = normaliseEmail(address)
    if (email !== caller.email && !this.admins.includes(caller.email)) throw new AppError('forbidden')
    const { id, createdAt } = found(await this.store.byEmail(email))
    const created = new Date(createdAt).toISOString()
    // An account comes into being by its address being confirmed.
    return { id, email, created_at: created, email_confirmed_at: created }
  }
}

export type AccountView = { id: string; email: string; created_at: string; email_confirmed_at: string | null }

function found<T>(value: T | null): T {
  if (value === null) throw new AppError('user_not_found')
  return value
}
