export type Profile = { id: string; username: string; avatar_url: string | null; bio: string | null }
export type ProfileChange = Partial<Omit<Profile, 'id'>>

/** What is known of people; every method is one atomic step. */
export interface UserStore {
  profile(userId: string): Promise<Profile | null>
  byUsername(username: string): Promise<Profile | null>
  byEmail(email: string): Promise<{ id: string; createdAt: number } | null>
  /** Changes the members given; 'username_taken' changes nothing. */
  change(userId: string, change: ProfileChange): Promise<Profile | 'username_taken' | null>
}
