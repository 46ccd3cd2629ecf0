/** Files as clients send them, in data URLs: what they say of themselves is not believed. */
import { AppError } from '../../../errors.ts'
import { attachmentRules } from '../../../limits.ts'
import type { Attachment } from './attachment.ts'
import { nameOf } from './name.ts'
import { typeOf } from './sniff.ts'

/** @param pointer where in the request it stands */
export type SentFile = { name?: string | null; data: string; pointer: string }

/** Throws invalid_request, attachments_too_large, unsupported_attachment. */
export function received(files: SentFile[]): Attachment[] {
  const { count, bytes } = attachmentRules
  const tooMany = files[count]
  if (tooMany) throw new AppError('invalid_request', { pointer: tooMany.pointer })
  let left = bytes
  return files.map(({ name, data: url, pointer }) => {
    const encoded = encodedIn(url, pointer)
    // Before anything of it is unpacked.
    if (Math.floor((encoded.length / 4) * 3) - 2 > left) throw tooLarge(pointer)
    const data = decoded(encoded, pointer)
    left -= data.byteLength
    if (left < 0) throw tooLarge(pointer)
    return attachmentOf(data, name ?? '', pointer)
  })
}

const tooLarge = (pointer: string) =>
  new AppError('attachments_too_large', { pointer, params: { max: attachmentRules.bytes } })

/** RFC 2397, in base64 alone. */
function encodedIn(url: string, pointer: string): string {
  const [head] = /^data:[^,]{0,255};base64,/i.exec(url) ?? []
  if (head === undefined) throw new AppError('invalid_request', { pointer })
  return url.slice(head.length)
}

function decoded(encoded: string, pointer: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(encoded)
  } catch {
    throw new AppError('invalid_request', { pointer })
  }
}

function attachmentOf(data: Uint8Array, name: string, pointer: string): Attachment {
  const mediaType = typeOf(data)
  if (mediaType === null) throw new AppError('unsupported_attachment', { pointer })
  return {
    type: 'attachment',
    id: Bun.randomUUIDv7(),
    name: nameOf(name, mediaType),
    mediaType,
    bytes: data.byteLength,
    hash: new Bun.CryptoHasher('sha256').update(data).digest('base64url'),
    data,
    pointer,
  }
}
