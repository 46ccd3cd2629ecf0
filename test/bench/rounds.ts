/** Contestants take turns, so that whatever else the machine does meets all of them alike. */
import type { Bench } from './figure.ts'

type Contestants<Name extends string> = Record<Name, () => Promise<number>>

/** Every contestant once a round, in turned-around order every other round, after one round that does not count. */
export async function alternate<Name extends string>(
  { progress }: Bench,
  rounds: number,
  contestants: Contestants<Name>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(contestants) as Name[]
  const results = Object.fromEntries(names.map(name => [name, []])) as unknown as Record<Name, number[]>
  for (let round = 0; round <= rounds; round++) {
    for (const name of round % 2 ? names : names.toReversed()) {
      const value = await contestants[name]()
      if (round > 0) results[name].push(value)
    }
    if (round > 0) progress(`round ${round} of ${rounds}: ${names.map(said(results)).join(', ')}`)
  }
  return results
}

const said =
  <Name extends string>(results: Record<Name, number[]>) =>
  (name: Name) =>
    `${name} ${results[name].at(-1)!.toPrecision(4)}`

export function quantile(values: number[], q: number): number {
  if (values.length === 0) throw new Error('There is nothing to take a quantile of.')
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]!
}

export const median = (values: number[]): number => quantile(values, 0.5)

/** The median of the rounds' own ratios: what drifts from round to round is not in it. */
export const ratioOf = (of: number[], to: number[]): number => median(of.map((value, i) => value / to[i]!))
