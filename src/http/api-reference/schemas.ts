/** JSON Schema, as OpenAPI 3.1 takes it. */
export type Schema = {
  title?: string
  type?: string | string[]
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  anyOf?: Schema[]
  examples?: unknown[]
  [keyword: string]: unknown
}

/** Puts the routes' schemas into OpenAPI's words; those with a title become components, by its name. */
export class Schemas {
  readonly components: Record<string, Schema> = {}

  /**
   * The schema itself, or a reference to its component. Elysia marks objects as closed once it has compiled
   * them, though it only leaves out what it does not know.
   */
  take({ title, nullable: _, additionalProperties: _closed, ...schema }: Schema): Schema {
    const taken = simplified({ ...schema, ...this.#takeInner(schema) })
    if (!title) return taken
    this.components[title] = taken
    return { $ref: `#/components/schemas/${title}` }
  }

  #takeInner({ properties, items, anyOf }: Schema): Schema {
    return {
      ...(properties && {
        properties: Object.fromEntries(
          Object.entries(properties).map(([name, property]) => [name, this.take(property)]),
        ),
      }),
      ...(items && { items: this.take(items) }),
      ...(anyOf && { anyOf: anyOf.map(schema => this.take(schema)) }),
    }
  }
}

/** A choice of literals is an `enum`, a choice of one type or null that type, nullable. */
function simplified({ anyOf, ...schema }: Schema): Schema {
  if (!anyOf) return schema
  if (anyOf.every(({ const: value }) => value !== undefined))
    return { ...schema, type: anyOf[0]?.type, enum: anyOf.map(({ const: value }) => value) }
  const [only, ...others] = anyOf.filter(({ type }) => type !== 'null')
  if (typeof only?.type !== 'string' || others.length > 0) return { ...schema, anyOf }
  const values = Array.isArray(only.enum) && { enum: [...only.enum, null] }
  return { ...only, ...values, ...schema, type: [only.type, 'null'] }
}

/** An example of the whole, made of those of its parts; undefined where a part has none. Optional parts may do without. */
export function exampleOf({
  examples,
  const: value,
  anyOf,
  type,
  items,
  properties,
  required,
}: Schema): unknown {
  if (examples) return examples[0]
  if (value !== undefined) return value
  if (anyOf?.[0]) return exampleOf(anyOf[0])
  if (type === 'array' && items) {
    const item = exampleOf(items)
    return item === undefined ? undefined : [item]
  }
  if (!properties) return undefined
  const parts = Object.entries(properties).map(([name, property]) => [name, exampleOf(property)] as const)
  const given = parts.filter(([name, example]) => example !== undefined || required?.includes(name))
  return given.some(([, example]) => example === undefined) ? undefined : Object.fromEntries(given)
}
