export type Random = ReturnType<typeof randomFrom>

/** Draws that the same seed repeats (mulberry32). */
export function randomFrom(seed: number) {
  let state = seed >>> 0
  /** From 0 to below 1. */
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  const pick = <T>(list: T[]): T => list[below(list.length)]!
  return { next, below, pick }
}
