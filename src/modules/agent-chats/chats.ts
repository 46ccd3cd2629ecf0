/** Chats as people see them: listed, read, named, gone. */
import type { Cursors } from '../../cursors.ts'
import { AppError } from '../../errors.ts'
import type { ChatChange, ChatStore, KeptChat, ListPlace, PathMessage } from './chat-store.ts'
import type { AgentChats } from './service.ts'

export type Page = { limit?: number; cursor?: string }

const pageSize = 20

export class Chats {
  constructor(
    private readonly store: ChatStore,
    private readonly runs: Pick<AgentChats, 'alone' | 'cancelAll'>,
    private readonly cursors: Cursors,
  ) {}

  /**
   * The user's chats, the one in which something was said last first; with `q`, those that have all of its words in
   * the title or in one message. Throws invalid_request.
   */
  async list(userId: string, { limit = pageSize, cursor, q = '' }: Page & { q?: string }) {
    const name = `chats ${userId} ${q}`
    const after = placeOf(this.cursors.open(name, cursor))
    const chats = await this.store.list(userId, { question: q || null, after, limit: limit + 1 })
    const page = chats.slice(0, limit)
    const last = page.at(-1)
    const next = chats.length > limit && last ? this.cursors.seal(name, `${last.updatedAt} ${last.id}`) : null
    return { chats: page, next }
  }

  /** Throws chat_not_found. */
  async find(userId: string, chatId: string): Promise<KeptChat> {
    return found(await this.store.find(userId, chatId.toLowerCase()))
  }

  /**
   * What was said, the newest first, on the path that the model sees, or on the one through a message, to the
   * newest end below it. Throws chat_not_found, message_not_found, invalid_request.
   */
  async messages(
    userId: string,
    session: string,
    { limit = pageSize, cursor, through }: Page & { through?: string },
  ): Promise<{ messages: PathMessage[]; next: string | null }> {
    const chatId = session.toLowerCase()
    const name = `messages ${userId} ${chatId}`
    const from = this.cursors.open(name, cursor)
    const start = from !== null ? { from } : through !== undefined ? { through } : null
    const messages = known(await this.store.path(userId, chatId, start, limit))
    const above = messages.length === limit ? messages.at(-1)!.parentId : null
    return { messages, next: above && this.cursors.seal(name, above) }
  }

  /** Throws chat_not_found, message_not_found, run_in_progress, invalid_request; then nothing has changed. */
  async change(userId: string, session: string, change: ChatChange): Promise<KeptChat> {
    const chatId = session.toLowerCase()
    const title = change.title?.trim()
    if (title === '') throw new AppError('invalid_request', { pointer: '/body/title' })
    const step = () => this.store.change(userId, chatId, { ...change, title })
    if (change.through === undefined) return known(await step())
    await this.find(userId, chatId)
    return known(await this.runs.alone(userId, chatId, 'reject', step))
  }

  /** Removes the chat with all that is on record of it, and ends what runs in it. Throws chat_not_found. */
  async remove(userId: string, session: string): Promise<void> {
    const { id } = await this.find(userId, session)
    await this.runs.cancelAll(userId, id)
    const step = () => this.store.remove(userId, id)
    if (!(await this.runs.alone(userId, id, 'interrupt', step))) throw new AppError('chat_not_found')
  }
}

function placeOf(place: string | null): ListPlace | null {
  if (place === null) return null
  const [updatedAt, id] = place.split(' ')
  return { updatedAt: Number(updatedAt), id: id! }
}

function found<T>(value: T | null): T {
  if (value === null) throw new AppError('chat_not_found')
  return value
}

type Refusal = 'chat_not_found' | 'message_not_found' | 'run_in_progress'

/** What a store says in a word, as a failure. */
function known<T>(said: T): Exclude<T, Refusal> {
  if (typeof said === 'string') throw new AppError(said as Refusal)
  return said as Exclude<T, Refusal>
}
