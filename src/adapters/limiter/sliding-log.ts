import type { Limit } from '../../limits.ts'
import type { Taken } from './limiter.ts'

/**
 * One more count at `now`, on top of the `hits` before, oldest first: the hits to keep, and the milliseconds
 * to wait, 0 where it was counted. A hit later than now, left by a clock that was set back, counts as now,
 * so nobody waits longer than the window. The same in Lua is in redis.ts.
 */
export function slide(
  hits: number[],
  { times, seconds }: Pick<Limit, 'times' | 'seconds'>,
  now: number,
): { hits: number[]; wait: number } {
  const window = seconds * 1000
  const live = hits.map(at => Math.min(at, now)).filter(at => at > now - window)
  if (live.length < times) return { hits: [...live, now], wait: 0 }
  // More than `times` are there where the limit has been lowered since.
  return { hits: live, wait: live[live.length - times]! + window - now }
}

export const taken = (wait: number): Taken =>
  wait === 0 ? { ok: true } : { ok: false, retryAfter: Math.ceil(wait / 1000) }
