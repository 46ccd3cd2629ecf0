/** What of a chat the model gets to see. */
import type { ModelMessage, UserModelMessage } from 'ai'
import type { Config } from '../../config.ts'
import { attachmentRules } from '../../limits.ts'
import { type AttachmentPart, isImage } from './attachments/attachment.ts'
import type { ChatMessage, Context, UserMessage } from './store.ts'

/** Of English; other scripts take more bytes a token, so the estimate errs on the safe side. */
const bytesPerToken = 3

export const contextBytes = ({ AGENT_CONTEXT_TOKENS }: Pick<Config, 'AGENT_CONTEXT_TOKENS'>): number =>
  AGENT_CONTEXT_TOKENS * bytesPerToken

/** What an attachment takes of them. */
export const contextBytesOf = (attachment: Pick<AttachmentPart, 'mediaType' | 'bytes'>): number =>
  isImage(attachment) ? attachmentRules.imageTokens * bytesPerToken : attachment.bytes

type Kept = Context['messages']
type Message = Kept[number]['message']

/**
 * What fits into so many bytes: the newest messages, and of attachments those that there is room for before
 * what is older.
 * @param newest the chat's newest messages
 */
export function fitting(newest: Kept, asked: UserMessage, bytes: number, takesImages: boolean) {
  const shown = new Set<AttachmentPart>()
  let left = bytes
  const show = (message: Message) => {
    for (const part of attachmentsIn(message)) {
      const cost = contextBytesOf(part)
      if (cost > left || (isImage(part) && !takesImages)) continue
      left -= cost
      shown.add(part)
    }
  }
  show(asked)
  const tooOld = newest.findLastIndex(({ message, bytes }) => {
    left -= bytes
    if (left >= 0) show(message)
    return left < 0
  })
  return { messages: newest.slice(tooOld + 1).map(({ message }) => message), shown }
}

/** What the model is shown for an attachment; null where it is not shown. */
export type Show = (part: AttachmentPart) => Exclude<UserModelMessage['content'], string>[number] | null

/**
 * The context of a message: whole turns of the chat, then the message. A turn is a message of the user
 * with all that was answered to it, so that no tool call is parted from its result.
 * @param newest the chat's newest messages, cut off anywhere
 */
export const contextOf = (newest: Message[], asked: UserMessage, show: Show = () => null): ModelMessage[] =>
  joinUserMessages([...wholeTurns(newest), asked].map(message => asModelMessage(message, show)))

/** Without the end of a turn whose beginning is missing. */
function wholeTurns(messages: Message[]): Message[] {
  const start = messages.findIndex(({ role }) => role === 'user')
  return start < 0 ? [] : messages.slice(start)
}

function asModelMessage(message: Message, show: Show): ModelMessage {
  if (message.role !== 'user' || typeof message.content === 'string') return message as ModelMessage
  return saying(
    message.content.map(part =>
      part.type === 'attachment' ? (show(part) ?? { type: 'text', text: notShown(part) }) : part,
    ),
  )
}

const notShown = ({ name }: AttachmentPart) => `[The attachment ${JSON.stringify(name)} is not in view.]`

/**
 * A message that got no answer, its run having failed, is joined to the one after it: some models' templates
 * refuse two messages of the user in a row.
 */
function joinUserMessages(messages: ModelMessage[]): ModelMessage[] {
  const joined: ModelMessage[] = []
  for (const message of messages) {
    const before = joined.at(-1)
    if (message.role === 'user' && before?.role === 'user')
      joined[joined.length - 1] = saying([...partsOf(before), ...partsOf(message)])
    else joined.push(message)
  }
  return joined
}

const partsOf = ({ content }: UserModelMessage) =>
  typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content

/** Texts alone as one, which every model API takes. */
const saying = (parts: Exclude<UserModelMessage['content'], string>): UserModelMessage => ({
  role: 'user',
  content: parts.every(part => part.type === 'text') ? parts.map(({ text }) => text).join('\n\n') : parts,
})

/** The text of a user's message. */
export const textOf = ({ content }: UserMessage): string =>
  typeof content === 'string'
    ? content
    : content.flatMap(part => (part.type === 'text' ? [part.text] : [])).join('\n\n')

export const attachmentsIn = ({ role, content }: ChatMessage): AttachmentPart[] =>
  role !== 'user' || typeof content === 'string' ? [] : content.filter(part => part.type === 'attachment')
