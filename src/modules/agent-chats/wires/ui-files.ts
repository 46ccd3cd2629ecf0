/** Files as the AI SDK's client has them: with their bytes where they are new, with our address where they are kept. */
import type { FileUIPart } from 'ai'
import type { Attachment, AttachmentPart } from '../attachments/attachment.ts'
import { received } from '../attachments/receiving.ts'

export type UiFile = { name?: string | null; url: string; pointer: string }

export const uiFile = (chatId: string, { id, name, mediaType }: AttachmentPart): FileUIPart => ({
  type: 'file',
  mediaType,
  filename: name,
  url: `/api/v1/agent-chats/${chatId}/attachments/${id}`,
})

const ours = /\/agent-chats\/[\w-]{36}\/attachments\/([\w-]{36})$/

/**
 * @param kept those of the message that they come instead of
 * Throws what `received` throws; other addresses are not fetched.
 */
export function uiAttachments(files: UiFile[], kept: AttachmentPart[]): Array<Attachment | AttachmentPart> {
  const found = files.map(({ url }) => {
    const id = ours.exec(url)?.[1]
    return kept.find(part => part.id === id)
  })
  const coming = received(
    files.filter((_, index) => !found[index]).map(({ name, url, pointer }) => ({ name, data: url, pointer })),
  )
  return found.map(part => part ?? coming.shift()!)
}
