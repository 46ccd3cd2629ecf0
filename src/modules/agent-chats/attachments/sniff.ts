import { isUtf8 } from 'node:buffer'
import type { AttachmentType } from './attachment.ts'

/** How files of each type begin, in hexadecimal. */
const beginnings: Array<[AttachmentType, RegExp]> = [
  ['image/png', /^89504e470d0a1a0a/],
  ['image/jpeg', /^ffd8ff/],
  // GIF87a, GIF89a
  ['image/gif', /^474946383[79]61/],
  // RIFF, a length, WEBP
  ['image/webp', /^52494646.{8}57454250/],
]

/** What the bytes are, whatever they were called; null where we do not know it. */
export function typeOf(data: Uint8Array): AttachmentType | null {
  const beginning = Buffer.from(data.subarray(0, 16)).toString('hex')
  const image = beginnings.find(([, pattern]) => pattern.test(beginning))
  if (image) return image[0]
  return isText(data) ? 'text/plain' : null
}

/** Of UTF-8 alone, and without what no editor writes. */
const isText = (data: Uint8Array): boolean =>
  isUtf8(data) && !/[^\P{Cc}\t\n\r\f]/u.test(new TextDecoder().decode(data))
