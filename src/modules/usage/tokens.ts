/** Tokens, as model APIs count them: cached ones are part of the input, reasoning ones of the output. */
export const tokenKinds = ['inputTokens', 'cachedInputTokens', 'outputTokens', 'reasoningTokens'] as const

/** What calls of a model took; `estimated` where the model API did not say of all of them. */
export type Usage = Record<(typeof tokenKinds)[number], number> & { estimated: boolean }

/** What was taken of a model on a day (UTC), as 2026-11-22. */
export type Spent = Usage & { day: string; model: string }

export const noUsage = (): Usage => ({
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  estimated: false,
})

/** Adds to the first. */
export function addUsage(sum: Usage, more: Usage): void {
  for (const kind of tokenKinds) sum[kind] += more[kind]
  sum.estimated ||= more.estimated
}

export function sumOf(all: Usage[]): Usage {
  const sum = noUsage()
  for (const usage of all) addUsage(sum, usage)
  return sum
}

/** What counts against a budget. */
export const tokensOf = ({ inputTokens, outputTokens }: Usage): number => inputTokens + outputTokens

export const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10)

/** The beginning of the day (UTC) after. */
export const nextDay = (at: number): number => new Date(at).setUTCHours(24, 0, 0, 0)
