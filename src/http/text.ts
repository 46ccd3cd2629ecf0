/**
 * Texts that people write, ids and counts, where TypeBox is not of JSON Schema's mind: a length counts characters, not
 * UTF-16 units (draft 2020-12, validation, 6.3), and a uuid is no URN (7.3.5).
 */
import { FormatRegistry, Kind, type StringOptions, type TUnsafe, Type, TypeRegistry } from '@sinclair/typebox'

type Bounds = { minLength?: number; maxLength: number }

/** A string of so many characters; an emoji is one, as a letter is. */
export const text = (options: Bounds & Pick<StringOptions, 'examples' | 'description'>): TUnsafe<string> =>
  Type.Unsafe<string>({ ...options, [Kind]: 'Text', type: 'string' })

TypeRegistry.Set<Bounds>('Text', (bounds, value) => typeof value === 'string' && isWithin(value, bounds))

const isWithin = (value: string, { minLength = 0, maxLength }: Bounds): boolean => {
  const length = lengthOf(value)
  return length >= minLength && length <= maxLength
}

/** In characters. */
export function lengthOf(value: string): number {
  let length = 0
  for (const _ of value) length++
  return length
}

type Range = { minimum: number; maximum: number }

/** A whole number in a query, where every value is a string. */
export const count = (options: Range & { description?: string; examples: number[] }): TUnsafe<string> =>
  Type.Unsafe<string>({ ...options, [Kind]: 'Count', type: 'integer' })

TypeRegistry.Set<Range>(
  'Count',
  ({ minimum, maximum }, value) =>
    typeof value === 'string' && /^\d{1,15}$/.test(value) && +value >= minimum && +value <= maximum,
)

FormatRegistry.Set('uuid', value => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value))
