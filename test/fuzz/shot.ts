/** A request of an operation: made to fit the document, and then perhaps spoilt. */
import fc from 'fast-check'
import { type Document, type Place, referred } from '../harness/openapi.ts'
import { fitting } from './fitting.ts'
import type { Known } from './known.ts'

export type Shot = {
  place: Place
  /** By their names, wherever they go. */
  parameters: Record<string, unknown>
  body: unknown
  accept: string
  /** The record of what is known whose values are put in. */
  record: number | null
  /** Whose access token it bears: that of somebody, of the record, or none that is worth anything. */
  caller: number | 'the record' | 'nobody' | 'a forger'
  spoilt: { part: 'parameter' | 'member' | 'body'; at: number; value: unknown } | null
}

const spoiler = fc.oneof(
  fc.jsonValue(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '\u0000', '\u202e', "' OR 1=1 --", '%00', '__proto__', -1, 2 ** 53, null, undefined),
  fc.constantFrom(9_000, 70_000).map(length => 'x'.repeat(length)),
)

export function shotAt(place: Place, document: Document): fc.Arbitrary<Shot> {
  const fit = (schema: object) => fitting(schema, schema => referred(document, schema))
  const { parameters } = place
  const body = place.requestBody?.content['application/json']?.schema
  return fc.record({
    place: fc.constant(place),
    parameters: fit({
      type: 'object',
      properties: Object.fromEntries(parameters.map(({ name, schema }) => [name, schema])),
      required: parameters.filter(({ required }) => required).map(({ name }) => name),
    }) as fc.Arbitrary<Shot['parameters']>,
    body: body ? fit(body) : fc.constant(undefined),
    accept: fc.constantFrom('*/*', ...Object.keys(place.responses['200']?.content ?? {})),
    record: fc.option(fc.nat(), { freq: 3 }),
    caller: fc.oneof(
      { weight: 4, arbitrary: fc.nat() },
      { weight: 4, arbitrary: fc.constant('the record' as const) },
      { weight: 1, arbitrary: fc.constantFrom('nobody' as const, 'a forger' as const) },
    ),
    spoilt: fc.option(
      fc.record({
        part: fc.constantFrom('parameter' as const, 'member' as const, 'body' as const),
        at: fc.nat(),
        value: spoiler,
      }),
      { freq: 2 },
    ),
  })
}

/** What is sent for it. */
export function requestOf({ place, caller, record, spoilt, ...made }: Shot, known: Known) {
  const names = [...Object.keys(made.parameters), ...Object.keys(Object(made.body))]
  const values = record === null ? {} : known.record(record, names)
  const wanted = spoil('parameter', put(values, made.parameters), spoilt) as Shot['parameters']
  const parameters = Object.fromEntries(
    place.parameters
      .filter(({ name }) => wanted[name] !== undefined)
      .map(({ name, in: where }) => [name, sendable(wanted[name], where)]),
  )
  return {
    ...addressed(place, parameters),
    parameters,
    body: spoil('body', spoil('member', put(values, made.body), spoilt), spoilt),
    token: tokenOf(caller, values, known),
  }
}

function tokenOf(caller: Shot['caller'], values: Record<string, string>, known: Known): string | null {
  if (caller === 'nobody') return null
  if (caller === 'a forger') return 'e30.e30.e30'
  return caller === 'the record' && values.access_token
    ? values.access_token
    : known.token(Number(caller) || 0)
}

function put(values: Record<string, string>, into: unknown): unknown {
  if (typeof into !== 'object' || into === null) return into
  const named = Object.keys(into).filter(name => Object.hasOwn(values, name))
  return { ...into, ...Object.fromEntries(named.map(name => [name, values[name]])) }
}

function spoil(part: string, whole: unknown, spoilt: Shot['spoilt']): unknown {
  if (spoilt?.part !== part) return whole
  if (part === 'body' && whole !== undefined) return spoilt.value
  const names = Object.keys(whole ?? {})
  return names.length === 0
    ? whole
    : { ...(whole as object), [names[spoilt.at % names.length]!]: spoilt.value }
}

/** Bun refuses by itself what is too long (431), and headers bear no more than this. */
function sendable(value: unknown, where: string): unknown {
  const text = String(value).slice(0, 1000).toWellFormed()
  if (where === 'header') return text.replace(/[^ -~]/g, '').trim()
  // An empty segment, or dots, would make another path.
  if (where === 'path') return text.replace(/^\.{0,2}$/, '\u0000')
  return typeof value === 'string' ? text : value
}

function addressed({ path, parameters }: Place, values: Record<string, unknown>) {
  const headers: Record<string, string> = {}
  const query = new URLSearchParams()
  for (const { name, in: where } of parameters.filter(({ name }) => name in values)) {
    const value = String(values[name])
    if (where === 'path') path = path.replace(`{${name}}`, encodeURIComponent(value))
    if (where === 'query') query.append(name, value)
    if (where === 'header') headers[name] = value
  }
  return { path: `${path}?${query}`, headers }
}
