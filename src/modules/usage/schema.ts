import { t } from 'elysia'

const day = t.String({
  pattern: '^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])$',
  examples: ['2026-11-22'],
})

export const daysQuery = t.Object({
  from: t.Optional(day),
  to: t.Optional(day),
})

const tokens = t.Number({ minimum: 0, multipleOf: 1 })

const counts = {
  input_tokens: tokens,
  cached_input_tokens: tokens,
  output_tokens: tokens,
  reasoning_tokens: tokens,
  estimated: t.Boolean({ description: 'Whether the model API did not say of all of it' }),
}
const took = {
  input_tokens: 512,
  cached_input_tokens: 0,
  output_tokens: 24,
  reasoning_tokens: 0,
  estimated: false,
}

/** What calls of a model took: cached tokens are part of the input, reasoning ones of the output. */
export const tokensView = t.Object(counts)

export const usageView = t.Object(
  {
    from: day,
    to: day,
    days: t.Array(t.Object({ day, models: t.Array(t.Object({ model: t.String(), ...counts })) })),
    total: tokensView,
    budget: t.Object({
      daily_tokens: t.Nullable(tokens, { description: 'Null where there is none' }),
      used_tokens: t.Number({ minimum: 0, description: 'Today, input and output' }),
      left_tokens: t.Nullable(tokens),
      resets_at: t.String({ format: 'date-time' }),
    }),
  },
  {
    title: 'Usage',
    description: 'What was taken of models, by day (UTC); runs under way are included',
    examples: [
      {
        from: '2026-11-22',
        to: '2026-11-22',
        days: [{ day: '2026-11-22', models: [{ model: 'gpt-5-mini', ...took }] }],
        total: took,
        budget: {
          daily_tokens: 100_000,
          used_tokens: 536,
          left_tokens: 99_464,
          resets_at: '2026-11-23T00:00:00.000Z',
        },
      },
    ],
  },
)

export type UsageView = typeof usageView.static
