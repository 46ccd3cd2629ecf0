/**
 * What was said before there was an index, or elsewhere, is read into it in the background, in steps too small to be
 * felt. Which chats have some is in the database: the next start goes on where this one ended.
 */
import { log, reason } from '../log.ts'
import type { Database } from './database.ts'
import { searchIndex } from './search-index.ts'

const rowsPerStep = 50
const bytesPerStep = 32 * 1024
const pauseMs = 20

export function openBacklog(database: Database) {
  const step = backlogOf(database)
  let stopped = false
  let waits = false
  let reading = Promise.resolve()
  const readAll = async () => {
    waits = false
    do await Bun.sleep(pauseMs)
    while (!stopped && (await database.write(step)))
  }
  return {
    /** All that is there to be read, once what is being read has been. Nobody waits for it. */
    read(): void {
      if (waits) return
      waits = true
      reading = reading
        .then(readAll)
        .catch(error => log.warn('the search index is not whole: {reason}', { reason: reason(error) }))
    },

    stop(): Promise<void> {
      stopped = true
      return reading
    },
  }
}

/** One step; false where nothing is left. */
export function backlogOf(database: Database): () => boolean {
  const index = searchIndex(database)
  const next = database.prepare<{ number: number; chatId: string; unread: number }, [number]>(
    `SELECT number, chat_id AS chatId, unread FROM search_chats INDEXED BY search_chats_unread
     WHERE unread > 0 AND number > ? ORDER BY number LIMIT 1`,
  )
  const messages = database.prepare<{ position: number; bytes: number; content: string }, [string, number]>(
    `SELECT position, bytes, content FROM messages WHERE chat_id = ? AND position <= ?
     ORDER BY position DESC LIMIT ${rowsPerStep}`,
  )
  const readDownTo = database.prepare<null, [number, string]>(
    'UPDATE search_chats SET unread = ? WHERE chat_id = ?',
  )

  // One chat after the other: none that is added to again and again holds up the others.
  let before = 0
  return () => {
    const chat = next.get(before) ?? next.get(0)
    if (!chat) return false
    before = chat.number
    let { unread } = chat
    let size = 0
    for (const { position, bytes, content } of messages.iterate(chat.chatId, unread)) {
      index.addMessage(chat.chatId, position, JSON.parse(content))
      unread = position - 1
      size += bytes
      if (size > bytesPerStep) break
    }
    readDownTo.run(unread === chat.unread ? 0 : unread, chat.chatId)
    return true
  }
}
