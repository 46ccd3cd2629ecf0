import type { Server } from '../processes.ts'

export type Call = { url: string; headers?: Record<string, string>; body?: object }

/** A rival with accounts, at the work that Parley is measured at, with so many people signed up. */
export type Accounts = Server & {
  /** Of any of them, by number. */
  signIn(who: number): Call
  /** Reading the user who is signed in. */
  me: Call
  refresh: Call | null
}
