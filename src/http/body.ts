import { AppError, type ErrorCode } from '../errors.ts'
import { bodyBytes } from '../limits.ts'

const faults = new WeakMap<Request, AppError>()

/** The fault noted for the request's body, if any, or, where one is needed, that there is none. */
export function bodyFault(request: Request, needed = false): AppError | undefined {
  return faults.get(request) ?? (needed && !request.body ? new AppError('malformed_json') : undefined)
}

/**
 * Reads a JSON object of at most so many bytes. It never throws: a guard's 401 or 429 comes before what is wrong
 * with the body, so the fault is only noted here, and told after the guards had their say (edge.ts).
 */
export async function readBody(request: Request, max = bodyBytes): Promise<unknown> {
  const fault = (code: ErrorCode) => {
    faults.set(request, new AppError(code, { params: { max } }))
    return {}
  }
  // Whether it has to be there is the route's matter.
  if (!request.body) return undefined
  if (Number(request.headers.get('content-length')) > max) return fault('body_too_large')
  if (!isJson(request.headers.get('content-type'))) return fault('unsupported_media_type')
  try {
    const text = request.headers.has('content-length') ? await request.text() : await readCapped(request, max)
    if (text === null) return fault('body_too_large')
    const body = hasSurrogateEscape.test(text) ? JSON.parse(text, refuseIllFormed) : JSON.parse(text)
    return isObject(body) ? body : fault('malformed_json')
  } catch {
    // No JSON, or a client that left in the middle of it.
    return fault('malformed_json')
  }
}

/** Half a character can be written in JSON, and in no file or hash: two different texts would become one. */
const hasSurrogateEscape = /\\u[dD]/

function refuseIllFormed(_: string, value: unknown): unknown {
  if (typeof value === 'string' && !value.isWellFormed()) throw new SyntaxError('half a surrogate pair')
  return value
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)

const isJson = (type: string | null) => type !== null && /^application\/([\w.-]+\+)?json\s*(;|$)/i.test(type)

/** A body of unannounced length; null once it is over the limit. */
async function readCapped(request: Request, max: number): Promise<string | null> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength
    if (size > max) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
