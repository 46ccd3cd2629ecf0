/** Forms (RFC 7578): the same object as in JSON, the files of the form as data URLs. */
import { AppError } from '../errors.ts'

/** Fields and files; a form of ten thousand empty ones is somebody's joke. */
const maxParts = 64

/** @param max bytes, of all that is no file */
export async function formObject(
  body: Request | Response,
  contentType: string,
  max: number,
): Promise<object> {
  const bytes = Buffer.from(await body.arrayBuffer())
  const [, boundary] = /;\s*boundary="?([^\s;"]+)/i.exec(contentType) ?? []
  if (!boundary || hasTooMany(`--${boundary}`, bytes)) throw new AppError('malformed_form')
  const form = await parse(bytes, contentType)
  const fields: Record<string, string> = {}
  const attachments: Array<{ name: string; data: string }> = []
  let files = 0
  for (const [name, value] of form.entries()) {
    if (typeof value !== 'string') {
      files += value.size
      // As a browser sends a field for files in which none was chosen.
      if (value.name || value.size > 0) attachments.push(await fileOf(value))
    } else if (Object.hasOwn(fields, name)) throw new AppError('malformed_form')
    else fields[name] = value
  }
  if (bytes.byteLength - files > max) throw new AppError('body_too_large', { params: { max } })
  return attachments.length > 0 ? { ...fields, attachments } : fields
}

function hasTooMany(boundary: string, bytes: Buffer): boolean {
  let count = 0
  for (let at = bytes.indexOf(boundary); at >= 0; at = bytes.indexOf(boundary, at + boundary.length))
    if (++count > maxParts + 1) return true
  return false
}

async function parse(body: Buffer, contentType: string) {
  try {
    return await new Response(body, { headers: { 'content-type': contentType } }).formData()
  } catch {
    throw new AppError('malformed_form')
  }
}

async function fileOf(file: File) {
  const bytes = Buffer.from(await file.arrayBuffer())
  return { name: file.name ?? '', data: `data:;base64,${bytes.toString('base64')}` }
}
