/** Pairs of times, and how far apart the two kinds are. */
export type Pair = { known: number; unknown: number }

/** That the median lies in the interval. */
const confidence = 0.999

/** In milliseconds; less where the times are short: 30 % of them, down to half a millisecond. */
const limitOf = (time: number) => Math.max(0.5, Math.min(10, 0.3 * time))

/**
 * The median of all differences there could be lies between two of those measured, with a confidence that the
 * binomial distribution gives, whatever their own may be. They are too far apart where the whole of that
 * interval is beyond the limit: noise widens it, and so makes nothing of nothing.
 */
export function compare(pairs: Pair[]) {
  const differences = pairs.map(({ known, unknown }) => known - unknown).sort(ascending)
  const outside = leftOut(pairs.length)
  const [least = 0, most = 0] = [differences[outside], differences.at(-1 - outside)]
  const [known, unknown] = [
    median(pairs.map(({ known }) => known)),
    median(pairs.map(({ unknown }) => unknown)),
  ]
  const limit = limitOf(unknown)
  /** Differences from here on would have been too much in these circumstances. */
  const seenFrom = limit + (most - least) / 2
  return {
    known,
    unknown,
    difference: median(differences),
    least,
    most,
    limit,
    seenFrom,
    alike: least <= limit && most >= -limit,
  }
}

/** How many values at either end of so many the interval can do without. */
function leftOut(count: number): number {
  let outside = -1
  // Of a binomial distribution with even chances, in logarithms since the first is tiny.
  let log = count * Math.log(0.5)
  for (let tail = Math.exp(log); 2 * tail <= 1 - confidence; tail += Math.exp(log)) {
    outside++
    log += Math.log((count - outside) / (outside + 1))
  }
  return Math.max(0, outside)
}

const ascending = (one: number, other: number) => one - other

const median = (values: number[]): number => values.toSorted(ascending)[Math.floor(values.length / 2)]!
