import type { Spent } from './tokens.ts'

/** What people have taken of models, summed by day and model. */
export interface UsageStore {
  /** From one day to another, both included, the first first. */
  between(userId: string, from: string, to: string): Spent[]
  /** Adds in one step, on disk when it resolves. */
  add(userId: string, spent: Spent[]): Promise<void>
}
