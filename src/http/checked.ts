import type { TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { t, ValidationError } from 'elysia'

/**
 * Part of a body that the route's schema leaves open, held against its own. Throws as the route's schema does.
 * @param at where in the body it stands
 */
export function checked<Schema extends TSchema>(
  schema: Schema,
  value: unknown,
  ...at: Array<string | number>
): Schema['static'] {
  if (Value.Check(schema, value)) return value
  const whole = at.reduceRight<TSchema>((inner, key) => t.Object({ [key]: inner }), schema)
  throw new ValidationError(
    'body',
    whole,
    at.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value),
  )
}
