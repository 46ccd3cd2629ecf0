/** What people take of models, and how much more they may. */
import { AppError } from '../../errors.ts'
import type { UsageStore } from './store.ts'
import { addUsage, dayOf, nextDay, type Spent, sumOf, tokensOf, type Usage } from './tokens.ts'

/** Whoever takes tokens: a run. */
type Spender = { userId: string; spent: Spent[] }

const dayMs = 24 * 60 * 60 * 1000

/** Of a report. */
const mostDays = 366

export type Budget = { dailyTokens: number | null; used: number; left: number | null; resetsAt: number }

export class TokenUsage {
  /** What they take is not kept yet. */
  readonly #open = new Set<Spender>()

  /** @param dailyTokens what each may take a day; 0 for as much as they like */
  constructor(
    private readonly store: UsageStore,
    private readonly dailyTokens: number,
    private readonly now: () => number = Date.now,
  ) {}

  /** From now on what the spender takes counts, as it is taken. */
  begin(spender: Spender): void {
    this.#open.add(spender)
  }

  /** It is kept, and counts as such. */
  end(spender: Spender): void {
    this.#open.delete(spender)
  }

  /** Before each call of a model. Throws token_budget_spent. */
  check(userId: string): void {
    if (this.dailyTokens === 0 || this.#usedToday(userId) < this.dailyTokens) return
    const retryAfter = Math.ceil((nextDay(this.now()) - this.now()) / 1000)
    throw new AppError('token_budget_spent', { params: { max: this.dailyTokens }, retryAfter })
  }

  /** Counts a call of a model that belongs to no run, as one for a title. */
  async count(userId: string, model: string, usage: Usage): Promise<void> {
    await this.store.add(userId, [{ ...usage, model, day: dayOf(this.now()) }])
  }

  /**
   * By day and model, what runs under way have taken included. Without `to` up to today, without `from` that day
   * alone. Throws invalid_request where they are no days of one year.
   */
  spent(userId: string, given: { from?: string; to?: string } = {}) {
    const to = given.to ?? dayOf(this.now())
    const from = given.from ?? to
    checkDays(from, to)
    const open = [...this.#open].filter(spender => spender.userId === userId).flatMap(({ spent }) => spent)
    const within = open.filter(({ day }) => from <= day && day <= to)
    return { from, to, spent: merged([...this.store.between(userId, from, to), ...within]) }
  }

  budget(userId: string): Budget {
    const dailyTokens = this.dailyTokens || null
    const used = this.#usedToday(userId)
    const left = dailyTokens && Math.max(0, dailyTokens - used)
    return { dailyTokens, used, left, resetsAt: nextDay(this.now()) }
  }

  #usedToday(userId: string): number {
    return tokensOf(sumOf(this.spent(userId).spent))
  }
}

function checkDays(from: string, to: string): void {
  const [first, last] = [Date.parse(from), Date.parse(to)]
  // The 30th of February would be taken for the 2nd of March.
  if (dayOf(last) !== to) throw new AppError('invalid_request', { pointer: '/query/to' })
  if (dayOf(first) !== from || first > last || last - first > mostDays * dayMs)
    throw new AppError('invalid_request', { pointer: '/query/from' })
}

/** One sum for each day and model, the first day first. */
function merged(all: Spent[]): Spent[] {
  const sums = new Map<string, Spent>()
  for (const spent of all) {
    const key = `${spent.day} ${spent.model}`
    const sum = sums.get(key)
    if (sum) addUsage(sum, spent)
    else sums.set(key, { ...spent })
  }
  return [...sums.keys()].sort().map(key => sums.get(key)!)
}
