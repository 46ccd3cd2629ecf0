import type { ErrorCode } from '../errors.ts'
import { bodyBytes } from '../limits.ts'

/** What no schema takes: with it in place of a body, validation fails, after the guards had their say. */
const unreadable = false

type Context = { request: Request; bodyFault?: ErrorCode }

/**
 * Reads a JSON body of at most `bodyBytes`. It never throws: a guard's 401 or 429 comes before what is wrong
 * with the body, so the fault is only noted here, and told by the error handler.
 */
export async function readBody(context: Context): Promise<unknown> {
  const { request } = context
  const fault = (code: ErrorCode) => {
    context.bodyFault = code
    return unreadable
  }
  if (Number(request.headers.get('content-length')) > bodyBytes) return fault('body_too_large')
  if (!isJson(request.headers.get('content-type'))) return fault('unsupported_media_type')
  const text = request.headers.has('content-length') ? await request.text() : await readCapped(request)
  if (text === null) return fault('body_too_large')
  try {
    return JSON.parse(text) ?? unreadable
  } catch {
    return fault('malformed_json')
  }
}

const isJson = (type: string | null) => type !== null && /^application\/([\w.-]+\+)?json\s*(;|$)/i.test(type)

/** A body of unannounced length; null once it is over the limit. */
async function readCapped(request: Request): Promise<string | null> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength
    if (size > bodyBytes) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
