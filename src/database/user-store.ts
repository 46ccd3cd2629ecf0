import type { Profile, UserStore } from '../modules/users/store.ts'
import { type Database, isTaken } from './database.ts'

export function userStore(database: Database): UserStore {
  const profile = database.prepare<Profile>('SELECT id, username, avatar_url, bio FROM users WHERE id = ?')
  const byUsername = database.prepare<Profile>(
    'SELECT id, username, avatar_url, bio FROM users WHERE username = ?',
  )
  const byEmail = database.prepare<{ id: string; createdAt: number }>(
    'SELECT id, created_at AS createdAt FROM users WHERE email = ?',
  )
  const change = database.prepare<Profile>(
    `UPDATE users SET username = $username, avatar_url = $avatar_url, bio = $bio WHERE id = $id
     RETURNING id, username, avatar_url, bio`,
  )

  return {
    async profile(userId) {
      return profile.get(userId)
    },
    async byUsername(username) {
      return byUsername.get(username)
    },
    async byEmail(email) {
      return byEmail.get(email)
    },
    async change(userId, { username, avatar_url, bio }) {
      try {
        return await database.write(() => {
          const before = profile.get(userId)
          if (!before) return null
          return change.get({
            id: userId,
            username: username ?? before.username,
            avatar_url: avatar_url === undefined ? before.avatar_url : avatar_url,
            bio: bio === undefined ? before.bio : bio,
          })
        })
      } catch (error) {
        if (isTaken(error, 'users.username')) return 'username_taken'
        throw error
      }
    },
  }
}
