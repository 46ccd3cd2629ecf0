/**
 * An image stands in a prompt as a mark, and takes its place as the request leaves for the model API, piece by
 * piece: on the way there it would be held several times over, for as long as the answer takes.
 */
import type { AttachmentStore } from './attachment.ts'

type ImagePlace = { userId: string; chatId: string; id: string }

/** Nobody can write a mark who does not know this. */
const secret = base64(crypto.getRandomValues(new Uint8Array(24)))
/** Three UUIDs, in bytes that make whole groups of base64. */
const placeBytes = 111
const placeLength = base64Length(placeBytes)

/** As base64 of an image would stand there. */
export const markOf = ({ userId, chatId, id }: ImagePlace): string =>
  secret + base64(Buffer.from(`${userId} ${chatId} ${id}`.padEnd(placeBytes)))

type Filled = { body: ReadableStream<Uint8Array>; bytes: number }

/** A body with the images that its marks stand for; null where there are none. Of those that are gone nothing is left. */
export async function withImages(body: string, attachments: AttachmentStore): Promise<Filled | null> {
  const [first, ...others] = body.split(secret)
  if (others.length === 0) return null
  const parts = await Promise.all(
    others.map(async part => {
      const { userId, chatId, id } = placeIn(part.slice(0, placeLength))
      const image = await attachments.attachment(userId, chatId, id)
      return { image, rest: Buffer.from(part.slice(placeLength)) }
    }),
  )
  const beginning = Buffer.from(first!)
  async function* filled() {
    yield beginning
    for (const { image, rest } of parts) {
      for await (const piece of image?.pieces() ?? []) yield Buffer.from(base64(piece), 'latin1')
      yield rest
    }
  }
  const lengths = parts.map(({ image, rest }) => base64Length(image?.bytes ?? 0) + rest.byteLength)
  return {
    body: filled() as unknown as ReadableStream<Uint8Array>,
    bytes: lengths.reduce((sum, length) => sum + length, beginning.byteLength),
  }
}

function placeIn(mark: string): ImagePlace {
  const [userId, chatId, id] = Buffer.from(mark, 'base64').toString().split(' ')
  return { userId: userId!, chatId: chatId!, id: id! }
}

function base64({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64')
}

function base64Length(bytes: number): number {
  return Math.ceil(bytes / 3) * 4
}
