import type { TSchema } from '@sinclair/typebox'
import { ValueErrorType } from '@sinclair/typebox/errors'
import { Value } from '@sinclair/typebox/value'
import type { ValidationError } from 'elysia'
import { fill, type Locale, textsIn } from '../texts/index.ts'
import { lengthOf } from './text.ts'

export type FieldError = { pointer: string; detail: string }

type Schema = {
  type?: string
  minLength?: number
  maxLength?: number
  maxItems?: number
  minimum?: number
  maximum?: number
  format?: string
  anyOf?: Schema[]
}

type Issue = {
  path: string
  type: ValueErrorType
  value: unknown
  schema: Schema
  /** Of a union: what is wrong with each of its schemas. */
  errors: Array<Iterable<Issue>>
}

/** What is wrong with which field, in our own words: the framework's would repeat the value, a password perhaps. */
export function fieldErrors(error: ValidationError, locale: Locale): FieldError[] {
  const first = new Map<string, FieldError>()
  for (const issue of issuesOf(error).map(withoutNull)) {
    const pointer = `/${error.type}${issue.path}`
    if (!first.has(pointer)) first.set(pointer, { pointer, detail: sentence(issue, locale) })
  }
  return [...first.values()]
}

/** Up to fifty. Of a list that is too long no more is said: to look through all of it would hold up everybody. */
function* issuesOf({ validator, value }: ValidationError): IteratorObject<Issue> {
  const issues = 'Errors' in validator ? validator.Errors(value) : Value.Errors(validator as TSchema, value)
  let left = 50
  for (const issue of issues) {
    yield issue as unknown as Issue
    if (--left === 0 || issue.type === ValueErrorType.ArrayMaxItems) return
  }
}

/** Of what may be null, but is something else: what is wrong with that. */
function withoutNull(issue: Issue): Issue {
  const { anyOf = [] } = issue.schema
  const [place, ...others] = [...anyOf.keys()].filter(index => anyOf[index]?.type !== 'null')
  if (place === undefined || others.length > 0) return issue
  const [inner] = issue.errors[place] ?? []
  return inner ?? issue
}

function sentence({ type, value, schema }: Issue, locale: Locale): string {
  const { fields } = textsIn(locale)
  // The framework says of a missing member only that it is of no type.
  if (value === undefined) return fields.required
  const isText = type === ValueErrorType.Kind && schema.type === 'string'
  switch (isText ? textErrorType(value, schema) : type) {
    case ValueErrorType.StringMinLength:
      return fill(fields.minLength, { min: Number(schema.minLength) })
    case ValueErrorType.StringMaxLength:
      return fill(fields.maxLength, { max: Number(schema.maxLength) })
    case ValueErrorType.ArrayMaxItems:
      return fill(fields.maxItems, { max: Number(schema.maxItems) })
    case ValueErrorType.StringPattern:
      return fields.pattern
    case ValueErrorType.StringFormat:
      return fill(fields.format, { format: String(schema.format) })
    case ValueErrorType.Kind:
      return fill(fields.range, { min: Number(schema.minimum), max: Number(schema.maximum) })
    default:
      return typeof schema.type === 'string' ? fill(fields.type, { type: schema.type }) : fields.invalid
  }
}

/** What TypeBox would say if a text were its own string. */
function textErrorType(value: unknown, { minLength = 0 }: Schema): ValueErrorType {
  if (typeof value !== 'string') return ValueErrorType.String
  return lengthOf(value) < minLength ? ValueErrorType.StringMinLength : ValueErrorType.StringMaxLength
}
