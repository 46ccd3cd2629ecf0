import { ValueErrorType } from '@sinclair/typebox/errors'
import type { ValidationError } from 'elysia'
import { fill, type Locale, textsIn } from '../texts/index.ts'

export type FieldError = { pointer: string; detail: string }

type Issue = { path: string; type: number; value: unknown; schema: Record<string, unknown> }

/** What is wrong with which field, in our own words: the framework's would repeat the value, a password perhaps. */
export function fieldErrors(error: ValidationError, locale: Locale): FieldError[] {
  const first = new Map<string, FieldError>()
  for (const issue of (error.all as unknown as Issue[]).slice(0, 50)) {
    const pointer = `/${error.type}${issue.path}`
    if (!first.has(pointer)) first.set(pointer, { pointer, detail: sentence(issue, locale) })
  }
  return [...first.values()]
}

function sentence({ type, value, schema }: Issue, locale: Locale): string {
  const { fields } = textsIn(locale)
  // The framework says of a missing member only that it is of no type.
  if (value === undefined) return fields.required
  switch (type) {
    case ValueErrorType.StringMinLength:
      return fill(fields.minLength, { min: Number(schema.minLength) })
    case ValueErrorType.StringMaxLength:
      return fill(fields.maxLength, { max: Number(schema.maxLength) })
    case ValueErrorType.StringPattern:
      return fields.pattern
    case ValueErrorType.StringFormat:
      return fill(fields.format, { format: String(schema.format) })
    default:
      return typeof schema.type === 'string' ? fill(fields.type, { type: schema.type }) : fields.invalid
  }
}
