/** The reading of bodies: JSON objects, and forms where the route takes them. */
import { AppError } from '../errors.ts'
import { type BodyLimit, bodyBytes } from '../limits.ts'
import { formObject } from './form.ts'
import type { LargeBodies } from './large-bodies.ts'

const faults = new WeakMap<Request, AppError>()

/** The fault noted for the request's body, if any, or, where one is needed, that there is none. */
export function bodyFault(request: Request, needed = false): AppError | undefined {
  return faults.get(request) ?? (needed && !request.body ? new AppError('malformed_json') : undefined)
}

/**
 * Reads an object. It never throws: a guard's 401 or 429 comes before what is wrong with the body, so the fault
 * is only noted here, and told after the guards had their say (edge.ts).
 */
export async function readBody(request: Request, limit: BodyLimit, large: LargeBodies): Promise<unknown> {
  // Whether it has to be there is the route's matter.
  if (!request.body) return undefined
  try {
    const read = readerOf(request, limit)
    const max = limit.bytes + limit.files
    const length = request.headers.get('content-length')
    if (Number(length) > max) throw tooLarge(max)
    if (length !== null && Number(length) <= bodyBytes) return await read(request)
    // Of a length that is not announced; those are seldom long.
    if (max <= bodyBytes) return await read(await gather(request, max))
    return await large.read(request, Number(length ?? max), async arrives =>
      read(await gather(request, max, arrives)),
    )
  } catch (error) {
    // A client that left in the middle of it, too.
    faults.set(request, error instanceof AppError ? error : new AppError('malformed_json'))
    return {}
  }
}

const tooLarge = (max: number) => new AppError('body_too_large', { params: { max } })

/** Of a body that is no longer than it may be. */
type Reader = (body: Request | Response) => Promise<object>

function readerOf({ headers }: Request, { bytes: max, forms = false }: BodyLimit): Reader {
  const type = headers.get('content-type') ?? ''
  if (/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(type))
    return async body => withoutInherited(await jsonObject(body, max))
  if (!forms || !/^multipart\/form-data\b/i.test(type)) throw new AppError('unsupported_media_type')
  return async body => withoutInherited(await formObject(body, type, max))
}

/**
 * No route knows a member that is called as what every object inherits, `toString` say. The framework takes it for
 * known: it finds the name in the schema's own object, leaves the member in, and then refuses it. Further down it is
 * not refused, and stays: there it may be part of what is anybody's own, as a JSON Schema.
 */
function withoutInherited(body: object): object {
  for (const name of Object.keys(body))
    if (name in Object.prototype) delete (body as Record<string, unknown>)[name]
  return body
}

/** The body as it arrives, and no more of it than that. */
async function gather(request: Request, max: number, arrives = () => {}): Promise<Response> {
  // Announced, or as much as there may be: memory that is not written to is not taken.
  const bytes = Buffer.allocUnsafeSlow(Number(request.headers.get('content-length') ?? max))
  let size = 0
  for await (const chunk of request.body ?? []) {
    arrives()
    if (size + chunk.byteLength > bytes.byteLength) throw tooLarge(max)
    bytes.set(chunk, size)
    size += chunk.byteLength
  }
  return new Response(bytes.subarray(0, size))
}

/** @param max bytes, of all that is no file */
async function jsonObject(body: Request | Response, max: number): Promise<object> {
  const text = await body.text()
  if (text.length > max && Buffer.byteLength(text) - fileBytes(text) > max) throw tooLarge(max)
  const value = hasSurrogateEscape.test(text) ? JSON.parse(text, refuseIllFormed) : JSON.parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new AppError('malformed_json')
  return value
}

/** How files begin: data URLs, and what AG-UI calls the value of a source. */
const fileStart = /"(?:data:|value":")/g

/**
 * What is not within them is little, so that a body of brackets alone cannot hold up the server. Whatever stands
 * between such a beginning and the next quotation mark is a string, or no JSON.
 */
function fileBytes(text: string): number {
  let bytes = 0
  fileStart.lastIndex = 0
  while (fileStart.test(text)) {
    const start = fileStart.lastIndex
    const end = text.indexOf('"', start)
    if (end < 0) break
    bytes += Buffer.byteLength(text.slice(start, end))
    fileStart.lastIndex = end
  }
  return bytes
}

/** Half a character can be written in JSON, and in no file or hash: two different texts would become one. */
const hasSurrogateEscape = /\\u[dD]/

function refuseIllFormed(_: string, value: unknown): unknown {
  if (typeof value === 'string' && !value.isWellFormed()) throw new SyntaxError('half a surrogate pair')
  return value
}
