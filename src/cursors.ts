/** Places in a list, for a client to come back to: opaque, and good for nothing but the list they are of. */
import { AppError } from './errors.ts'

const macBytes = 12

export class Cursors {
  constructor(private readonly mac: (data: string) => Buffer) {}

  /** @param list the list, and whose it is */
  seal(list: string, place: string): string {
    return Buffer.concat([this.#macOf(list, place), Buffer.from(place)]).toString('base64url')
  }

  /** The place; null where there is no cursor. Throws invalid_request where it was never sealed for the list. */
  open(list: string, cursor: string | undefined): string | null {
    if (cursor === undefined) return null
    const bytes = Buffer.from(cursor, 'base64url')
    const place = bytes.subarray(macBytes).toString()
    // Base64 has several ways to write the same bytes.
    const isAsSealed = bytes.length > macBytes && bytes.toString('base64url') === cursor
    if (!isAsSealed || !crypto.timingSafeEqual(bytes.subarray(0, macBytes), this.#macOf(list, place)))
      throw new AppError('invalid_request', { pointer: '/query/cursor' })
    return place
  }

  #macOf(list: string, place: string): Buffer {
    return this.mac(`${list}\n${place}`).subarray(0, macBytes)
  }
}
