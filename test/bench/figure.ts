/** What a row comes to: figures, each held against its target. */
export type Figure = {
  what: string
  unit: string
  better: 'less' | 'more'
  parley: number
  /** The least that the same work costs without Parley, and what does it. */
  floor?: Other
  /** What lies in between, for comparison. */
  between?: Other
  /** What the target speaks of: a ratio, unless it has a unit. */
  result: { value: number; unit?: string }
  /** None where the figure is there for comparison. */
  target?: Target
  rivals?: Rival[]
}

type Other = { value: number; by: string }

/** Another product at the same work. `times` is how many times better Parley does it; `note` what is not the same. */
export type Rival = { name: string; note?: string } & (
  | { value: number; times: number; target?: Target }
  | { notMeasured: string }
)

export type Target = { atLeast: number } | { moreThan: number } | { atMost: number } | { lessThan: number }

export type Row = {
  name: string
  run(bench: Bench): Promise<Figure[]>
}

export type Bench = {
  /** Fewer and shorter rounds: shows that everything works, not how fast it is. */
  quick: boolean
  progress(text: string): void
}

export function isMet(value: number, target: Target): boolean {
  if ('atLeast' in target) return value >= target.atLeast
  if ('moreThan' in target) return value > target.moreThan
  if ('atMost' in target) return value <= target.atMost
  return value < target.lessThan
}
