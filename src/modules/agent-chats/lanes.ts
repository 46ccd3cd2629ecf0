/** Who runs where: in a chat one at a time, the next in line behind it. */
import { AppError } from '../../errors.ts'
import { Run } from './run.ts'

/** What becomes of a message whose chat is still answering another. */
export type OnConflict = 'reject' | 'enqueue' | 'interrupt'

type Next = { run: Run; begin: () => void; interrupts: boolean }
type Lane = { current: Run; next: Next[] }

/** No run, but a step that has the chat to itself; nobody else sees it. */
export class Step extends Run {}

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
    if (onConflict === 'enqueue') lane.next.push({ run, begin, interrupts: false })
    else interrupt(lane, { run, begin, interrupts: true })
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
    const lane = this.#lanes.get(keyOf({ userId, chatId }))
    return (lane && runsIn([lane.current])[0]) ?? null
  }

  /** All of the chat's, the one that runs first. */
  of(userId: string, chatId: string): Run[] {
    const lane = this.#lanes.get(keyOf({ userId, chatId }))
    return lane ? runsIn([lane.current, ...lane.next.map(({ run }) => run)]) : []
  }

  /** How many the user has, in all chats. */
  count(userId: string): number {
    return this.#counts.get(userId) ?? 0
  }

  get running(): Run[] {
    return runsIn([...this.#lanes.values()].map(({ current }) => current))
  }

  get queued(): Run[] {
    return runsIn([...this.#lanes.values()].flatMap(({ next }) => next.map(({ run }) => run)))
  }

  #count({ userId }: Run, more: number): void {
    const count = this.count(userId) + more
    if (count > 0) this.#counts.set(userId, count)
    else this.#counts.delete(userId)
  }
}

/** Ahead of the line, though behind those that came ahead of it before, which end as soon as they begin. */
function interrupt({ current, next }: Lane, coming: Next): void {
  const before = next.filter(({ interrupts }) => interrupts)
  for (const run of [current, ...before.map(({ run }) => run)]) run.abort(new AppError('run_cancelled'))
  next.splice(before.length, 0, coming)
}

const runsIn = (all: Run[]): Run[] => all.filter(run => !(run instanceof Step))

const keyOf = ({ userId, chatId }: Pick<Run, 'userId' | 'chatId'>) => `${userId} ${chatId}`
