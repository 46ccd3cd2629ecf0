const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * The chat that a client's own id stands for: a UUID itself, any other text always the same chat of this user
 * (RFC 9562, version 8).
 */
export type ChatIdOf = (userId: string, id: string) => string

/** @param key without it nobody can tell which chat another's text stands for, and begin it in their stead */
export const chatIdsBy =
  (key: Uint8Array): ChatIdOf =>
  (userId, id) => {
    if (uuid.test(id)) return id.toLowerCase()
    const bytes = new Bun.CryptoHasher('sha256', key).update(`${userId}\0${id}`).digest().subarray(0, 16)
    bytes[6] = (bytes[6]! & 0x0f) | 0x80
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }

/** The client's id of a message as it is, where it is fit for one, and else always the same. */
export const messageIdOf = (chatId: string, id: string): string =>
  /^[\w-]{1,64}$/.test(id) ? id : Bun.randomUUIDv5(id, chatId)
