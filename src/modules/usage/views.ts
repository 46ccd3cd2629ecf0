/** Usage as answers have it. */
import type { UsageView } from './schema.ts'
import type { Budget } from './service.ts'
import { type Spent, sumOf, type Usage } from './tokens.ts'

export const tokensView = ({
  inputTokens,
  cachedInputTokens,
  outputTokens,
  reasoningTokens,
  estimated,
}: Usage) => ({
  input_tokens: inputTokens,
  cached_input_tokens: cachedInputTokens,
  output_tokens: outputTokens,
  reasoning_tokens: reasoningTokens,
  estimated,
})

export function usageView(
  { from, to, spent }: { from: string; to: string; spent: Spent[] },
  budget: Budget,
): UsageView {
  const days = Map.groupBy(spent, ({ day }) => day)
  return {
    from,
    to,
    days: [...days].map(([day, spent]) => ({
      day,
      models: spent.map(({ model, ...usage }) => ({ model, ...tokensView(usage) })),
    })),
    total: tokensView(sumOf(spent)),
    budget: {
      daily_tokens: budget.dailyTokens,
      used_tokens: budget.used,
      left_tokens: budget.left,
      resets_at: new Date(budget.resetsAt).toISOString(),
    },
  }
}
