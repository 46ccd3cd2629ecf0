/** Contestants take turns, so that whatever else the machine does meets all of them alike. */
import type { Bench, Rival, Target } from './figure.ts'

type Once = () => Promise<number>
type Results<Name extends string> = Record<Name, number[]>

/** A rival at one piece of work, or why it is not measured. */
export type Contestant = { name: string; note?: string } & ({ once: Once } | { notMeasured: string })
export type Standing = { name: string; note?: string } & ({ values: number[] } | { notMeasured: string })

/** Contestants that are started anew each time need no round that does not count. */
type Manner = { warmUp: boolean }

/** Every contestant once a round, in turned-around order every other round, after one round that does not count. */
export async function alternate<Name extends string>(
  bench: Bench,
  rounds: number,
  contestants: Record<Name, Once>,
  manner?: Manner,
): Promise<Results<Name>> {
  return (await alternateWith(bench, rounds, contestants, [], manner)).own
}

/** As `alternate`, with rivals; one that fails is out, and nobody else's figures are lost for it. */
export async function alternateWith<Name extends string>(
  { progress }: Bench,
  rounds: number,
  contestants: Record<Name, Once>,
  rivals: Contestant[],
  { warmUp }: Manner = { warmUp: true },
): Promise<{ own: Results<Name>; rivals: Standing[] }> {
  const field = [
    ...Object.entries<Once>(contestants).map(([name, once]) => ({ name, once, own: true })),
    ...rivals.flatMap(rival => ('once' in rival ? [{ ...rival, own: false }] : [])),
  ]
  const values = new Map(field.map(({ name }) => [name, [] as number[]]))
  const failed = new Map<string, string>()
  for (let round = warmUp ? 0 : 1; round <= rounds; round++) {
    for (const { name, once, own } of round % 2 ? field : field.toReversed()) {
      if (failed.has(name)) continue
      try {
        const value = await once()
        if (round > 0) values.get(name)!.push(value)
      } catch (error) {
        if (own) throw error
        failed.set(name, (error as Error).message)
      }
    }
    const last = field.map(({ name }) => `${name} ${values.get(name)!.at(-1)?.toPrecision(4) ?? '-'}`)
    if (round > 0) progress(`round ${round} of ${rounds}: ${last.join(', ')}`)
  }
  return {
    own: Object.fromEntries(Object.keys(contestants).map(name => [name, values.get(name)])) as Results<Name>,
    rivals: rivals.map(rival => standing(rival, values.get(rival.name), failed.get(rival.name))),
  }
}

function standing(rival: Contestant, values: number[] | undefined, failure: string | undefined): Standing {
  const { name, note } = rival
  if ('notMeasured' in rival) return { name, note, notMeasured: rival.notMeasured }
  return failure === undefined ? { name, note, values: values! } : { name, note, notMeasured: failure }
}

/** The rivals of a figure: `times` says how many times better Parley is, `targets` what of them is asked for. */
export const against = (
  parley: number[],
  rivals: Standing[],
  better: 'less' | 'more',
  targets: Record<string, Target> = {},
): Rival[] =>
  rivals.map(({ name, note, ...rival }) =>
    'notMeasured' in rival
      ? { name, note, notMeasured: rival.notMeasured }
      : {
          name,
          note,
          value: median(rival.values),
          times: better === 'less' ? ratioOf(rival.values, parley) : ratioOf(parley, rival.values),
          target: targets[name],
        },
  )

export function quantile(values: number[], q: number): number {
  if (values.length === 0) throw new Error('There is nothing to take a quantile of.')
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]!
}

export const median = (values: number[]): number => quantile(values, 0.5)

/** The median of the rounds' own ratios: what drifts from round to round is not in it. */
export const ratioOf = (of: number[], to: number[]): number => median(of.map((value, i) => value / to[i]!))

/** As `ratioOf`, of differences. */
export const differences = (of: number[], less: number[]): number[] => of.map((value, i) => value - less[i]!)
