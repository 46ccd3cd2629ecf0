import fc from 'fast-check'

/** JSON Schema, as far as OpenAPI documents use it for what is sent. */
export type Schema = {
  $ref?: string
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  examples?: unknown[]
  anyOf?: Schema[]
  oneOf?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  format?: string
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  minItems?: number
  maxItems?: number
}

/** Values that fit the schema, nearly all of them. @param resolve gives the schema that a $ref stands for */
export function fitting(schema: Schema, resolve: (schema: Schema) => Schema): fc.Arbitrary<unknown> {
  const fit = (schema: Schema) => fitting(schema, resolve)
  if (schema.$ref) return fit(resolve(schema))
  if (schema.examples)
    return fc.oneof(fc.constantFrom(...schema.examples), fit({ ...schema, examples: undefined }))
  const choice =
    schema.anyOf ??
    schema.oneOf ??
    (Array.isArray(schema.type) && schema.type.map(type => ({ ...schema, type })))
  if ('const' in schema) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (choice) return fc.oneof(...choice.map(fit))
  switch (schema.type) {
    case 'string':
      return texts(schema)
    case 'integer':
      return fc.integer({ min: schema.minimum, max: schema.maximum })
    case 'number':
      return fc.double({ min: schema.minimum, max: schema.maximum, noNaN: true, noDefaultInfinity: true })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'array':
      return fc.array(fit(schema.items ?? {}), { minLength: schema.minItems, maxLength: schema.maxItems })
    case 'object':
      return schema.properties
        ? members(schema.properties, schema.required, fit)
        : fc.dictionary(fc.string(), fc.jsonValue())
    default:
      return fc.jsonValue()
  }
}

const formats: Record<string, fc.Arbitrary<string>> = {
  uuid: fc.uuid(),
  uri: fc.webUrl({ withFragments: true, withQueryParameters: true }),
  'date-time': fc.date({ noInvalidDate: true }).map(date => date.toISOString()),
  email: fc.emailAddress(),
}

function texts({
  format,
  pattern,
  minLength = 0,
  maxLength = minLength + 100,
}: Schema): fc.Arbitrary<string> {
  if (format && formats[format]) return formats[format]
  if (pattern)
    return fc
      .stringMatching(new RegExp(pattern))
      .filter(({ length }) => length >= minLength && length <= maxLength)
  const any = fc.string({ unit: 'binary', minLength, maxLength })
  const whole = fc.string({ unit: 'binary', minLength: 1, maxLength: 3 })
  return fc.oneof(
    any,
    whole.map(text => [...text.repeat(maxLength)].slice(0, maxLength).join('')),
  )
}

/** With members that the schema does not name as well: they are to be ignored. */
const members = (
  properties: Record<string, Schema>,
  required: string[] = [],
  fit: (schema: Schema) => fc.Arbitrary<unknown>,
) =>
  fc
    .tuple(
      fc.dictionary(fc.oneof(fc.string(), inherited), fc.jsonValue(), { maxKeys: 2 }),
      fc.record(
        Object.fromEntries(
          Object.entries(properties).map(([name, schema]) => [
            name,
            required.includes(name) ? fit(schema) : perhaps(fit(schema)),
          ]),
        ),
      ),
    )
    .map(([others, named]) => ({ ...others, ...present(named) }))

/** TypeBox takes what any object has for known. */
const inherited = fc.constantFrom(...Object.getOwnPropertyNames(Object.prototype))

/** Of many that may be left out most are: each of them may have something against it. */
const perhaps = (value: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value })

const present = (named: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined))
