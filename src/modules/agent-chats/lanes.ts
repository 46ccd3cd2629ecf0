/** Who runs where: in a chat one at a time, the next in line behind it. */
import { AppError } from '../../errors.ts'
import type { Run } from './run.ts'

/** What becomes of a message whose chat is still answering another. */
export type OnConflict = 'reject' | 'enqueue' | 'interrupt'

type Next = { run: Run; begin: () => void }
type Lane = { current: Run; next: Next[] }

export class Lanes {
  readonly #lanes = new Map<string, Lane>()
  /** How many runs each user has, here to save counting them. */
  readonly #counts = new Map<string, number>()

  /**
   * Takes the chat for the run, or a place in its line, which `begin` is called at the end of. Throws
   * run_in_progress.
   */
  enter(run: Run, onConflict: OnConflict, begin: () => void = () => {}): 'now' | 'later' {
    const lane = this.#lanes.get(keyOf(run))
    if (lane && onConflict === 'reject') throw new AppError('run_in_progress')
    this.#count(run, 1)
    if (!lane) {
      this.#lanes.set(keyOf(run), { current: run, next: [] })
      return 'now'
    }
    if (onConflict === 'enqueue') lane.next.push({ run, begin })
    else {
      lane.next.unshift({ run, begin })
      lane.current.abort(new AppError('run_cancelled'))
    }
    return 'later'
  }

  /** Makes room for the next in line. */
  leave(run: Run): void {
    const lane = this.#lanes.get(keyOf(run))
    if (!lane || lane.current !== run) return
    this.#count(run, -1)
    const next = lane.next.shift()
    if (!next) {
      this.#lanes.delete(keyOf(run))
      return
    }
    lane.current = next.run
    next.begin()
  }

  /** Takes the run out of the line; false where it is in none. */
  withdraw(run: Run): boolean {
    const lane = this.#lanes.get(keyOf(run))
    const place = lane?.next.findIndex(next => next.run === run) ?? -1
    if (place < 0) return false
    lane!.next.splice(place, 1)
    this.#count(run, -1)
    return true
  }

  /** The run that answers in the chat now. */
  current(userId: string, chatId: string): Run | null {
    return this.#lanes.get(keyOf({ userId, chatId }))?.current ?? null
  }

  /** All of the chat's, the one that runs first. */
  of(userId: string, chatId: string): Run[] {
    const lane = this.#lanes.get(keyOf({ userId, chatId }))
    return lane ? [lane.current, ...lane.next.map(({ run }) => run)] : []
  }

  /** How many the user has, in all chats. */
  count(userId: string): number {
    return this.#counts.get(userId) ?? 0
  }

  get running(): Run[] {
    return [...this.#lanes.values()].map(({ current }) => current)
  }

  get queued(): Run[] {
    return [...this.#lanes.values()].flatMap(({ next }) => next.map(({ run }) => run))
  }

  #count({ userId }: Run, more: number): void {
    const count = this.count(userId) + more
    if (count > 0) this.#counts.set(userId, count)
    else this.#counts.delete(userId)
  }
}

const keyOf = ({ userId, chatId }: Pick<Run, 'userId' | 'chatId'>) => `${userId} ${chatId}`
