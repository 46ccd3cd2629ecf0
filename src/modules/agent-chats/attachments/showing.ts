import type { Show } from '../history.ts'
import { type AttachmentPart, isImage } from './attachment.ts'
import { markOf } from './marks.ts'

/** How the model is shown attachments: an image as itself, a text with its name. */
export function showing(
  chat: { userId: string; chatId: string },
  shown: Set<AttachmentPart>,
  texts: Map<string, string>,
): Show {
  return part => {
    if (!shown.has(part)) return null
    const { id, name, mediaType } = part
    if (isImage(part)) return { type: 'file', mediaType, data: markOf({ ...chat, id }), filename: name }
    const text = texts.get(id) ?? ''
    return { type: 'text', text: `<attachment name=${JSON.stringify(name)}>\n${text}\n</attachment>` }
  }
}
