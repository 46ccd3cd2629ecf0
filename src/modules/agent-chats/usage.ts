/** Tokens, as model APIs count them: cached ones are part of the input, reasoning ones of the output. */
export type Usage = {
  inputTokens: number
  cachedInputTokens: number
  outputTokens: number
  reasoningTokens: number
}

export const noUsage = (): Usage => ({
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
})

/** Adds to the first. */
export function addUsage(sum: Usage, more: Usage): void {
  for (const key of Object.keys(sum) as Array<keyof Usage>) sum[key] += more[key]
}
