/**
 * A conversation that a client keeps itself and sends whole each time, found again as a path of one of our
 * chats: what is there is not believed but recognised, and only what is new is added.
 */
import type { Config } from '../../config.ts'
import { AppError } from '../../errors.ts'
import { type Attachment, areSame } from './attachments/attachment.ts'
import { attachmentRoom, saying } from './attachments/said.ts'
import type { ConversationStore, KeptMessage, PlacedText } from './store.ts'

/** One thing said; what an answer said in several messages is joined. */
export type Turn = { role: 'user' | 'assistant'; text: string; attachments: Attachment[] }

/** Between messages of one answer. */
export const between = '\n\n'

type Chat = { userId: string; chatId: string }

export class Conversations {
  constructor(
    private readonly store: ConversationStore,
    private readonly config: Pick<Config, 'AGENT_ATTACHMENTS_MIB'>,
    private readonly now: () => number,
  ) {}

  /** The message at the end of what was said before, null where nothing was. Throws chat_not_found. */
  async placeOf(chat: Chat, said: Turn[]): Promise<string | null> {
    let place: string | null = null
    for (const [i, turn] of said.entries()) {
      const found = this.#below(chat.chatId, place, turn)
      if (!found) return this.#add(chat, place, said.slice(i))
      place = found
    }
    return place
  }

  async #add(chat: Chat, place: string | null, turns: Turn[]): Promise<string> {
    const coming = {
      attachments: turns.flatMap(({ attachments }) => attachments),
      attachmentRoom: attachmentRoom(this.config),
    }
    const end = await this.store.addMessages(
      { ...chat, ...coming, now: this.now() },
      place,
      turns.map(asMessage),
    )
    if (end === null) throw new AppError('attachment_space_full')
    if (end === 'chat_not_found') throw new AppError(end)
    return end
  }

  /** The message of the user that says this below the place, if it is there. */
  find(chatId: string, place: string | null, turn: Turn): string | null {
    return this.#below(chatId, place, turn)
  }

  #below(chatId: string, place: string | null, { role, text, attachments }: Turn): string | null {
    const children = this.store.children(chatId, place)
    if (role === 'user')
      return (
        children.find(
          child => child.role === 'user' && child.text === text && areSame(child.attachments, attachments),
        )?.id ?? null
      )
    for (const child of children) {
      if (child.role === 'user') continue
      const end = this.#answerFrom(chatId, child)
      if (end.text === text) return end.id
    }
    return null
  }

  /** A whole answer, from its first message on. */
  #answerFrom(chatId: string, first: PlacedText): { id: string; text: string } {
    const texts: string[] = []
    let last = first
    for (let next: PlacedText | undefined = first; next; ) {
      if (next.role === 'assistant' && next.text) texts.push(next.text)
      last = next
      next = this.store
        .children(chatId, last.id)
        .find(({ role, runId }) => role !== 'user' && runId === first.runId)
    }
    return { id: last.id, text: texts.join(between) }
  }
}

const asMessage = ({ role, text, attachments }: Turn): KeptMessage => ({
  id: Bun.randomUUIDv7(),
  message: role === 'user' ? saying(text, attachments) : { role, content: [{ type: 'text', text }] },
})
