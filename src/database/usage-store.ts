import type { UsageStore } from '../modules/usage/store.ts'
import type { Spent } from '../modules/usage/tokens.ts'
import type { Database } from './database.ts'

type Row = Omit<Spent, 'estimated'> & { estimated: number }

export function usageStore(database: Database): UsageStore {
  const between = database.prepare<Row, [string, string, string]>(
    `SELECT day, model, input_tokens AS inputTokens, cached_input_tokens AS cachedInputTokens,
       output_tokens AS outputTokens, reasoning_tokens AS reasoningTokens, estimated
     FROM usage_by_day WHERE user_id = ? AND day BETWEEN ? AND ? ORDER BY day, model`,
  )
  const add = addSpent(database)

  return {
    between: (userId, from, to) =>
      between.all(userId, from, to).map(row => ({ ...row, estimated: row.estimated === 1 })),
    async add(userId, spent) {
      await database.write(() => add(userId, spent))
    },
  }
}

/** Adds what was taken within the step that is running. Of somebody who is gone nothing is kept. */
export function addSpent(database: Database): (userId: string, spent: Spent[]) => void {
  const add = database.prepare(
    `INSERT INTO usage_by_day
     SELECT id, $day, $model, $inputTokens, $cachedInputTokens, $outputTokens, $reasoningTokens, $estimated
     FROM users WHERE id = $userId
     ON CONFLICT DO UPDATE SET
       input_tokens = input_tokens + excluded.input_tokens,
       cached_input_tokens = cached_input_tokens + excluded.cached_input_tokens,
       output_tokens = output_tokens + excluded.output_tokens,
       reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens,
       estimated = max(estimated, excluded.estimated)`,
  )
  return (userId, spent) => {
    for (const { estimated, ...rest } of spent) add.run({ ...rest, userId, estimated: Number(estimated) })
  }
}
