/**
 * A conversation that a client keeps itself and sends whole each time, found again as a path of one of our
 * chats: what is there is not believed but recognised, and only what is new is added.
 */
import type { Config } from '../../config.ts'
import { AppError } from '../../errors.ts'
import { type GiveWay, givingWay } from '../../giving-way.ts'
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
    const giveWay = givingWay()
    let place: string | null = null
    for (const [i, turn] of said.entries()) {
      const found: string | null = await this.#below(chat.chatId, place, turn, giveWay)
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
  find(chatId: string, place: string | null, turn: Turn): Promise<string | null> {
    return this.#below(chatId, place, turn, givingWay())
  }

  async #below(
    chatId: string,
    place: string | null,
    { role, text, attachments }: Turn,
    giveWay: GiveWay,
  ): Promise<string | null> {
    for (const child of this.store.children(chatId, place)) {
      await giveWay()
      if ((child.role === 'user') !== (role === 'user')) continue
      if (role !== 'user') {
        const end = await this.#answerFrom(chatId, child, giveWay)
        if (end.text === text) return end.id
      } else if (child.text === text && areSame(child.attachments, attachments)) return child.id
    }
    return null
  }

  /** A whole answer, from its first message on. */
  async #answerFrom(
    chatId: string,
    first: PlacedText,
    giveWay: GiveWay,
  ): Promise<{ id: string; text: string }> {
    const texts: string[] = []
    let last = first
    for (let next: PlacedText | undefined = first; next; await giveWay()) {
      if (next.role === 'assistant' && next.text) texts.push(next.text)
      last = next
      next = this.#next(chatId, last, first.runId)
    }
    return { id: last.id, text: texts.join(between) }
  }

  #next(chatId: string, { id }: PlacedText, runId: string): PlacedText | undefined {
    for (const child of this.store.children(chatId, id))
      if (child.role !== 'user' && child.runId === runId) return child
  }
}

const asMessage = ({ role, text, attachments }: Turn): KeptMessage => ({
  id: Bun.randomUUIDv7(),
  message: role === 'user' ? saying(text, attachments) : { role, content: [{ type: 'text', text }] },
})
