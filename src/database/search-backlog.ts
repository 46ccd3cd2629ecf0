/** What was said before there was an index is read into it in the background, in steps too small to be felt. */
import { log, reason } from '../log.ts'
import type { Database } from './database.ts'
import { searchIndex } from './search-index.ts'

const rowsPerStep = 50
const bytesPerStep = 256 * 1024
const pauseMs = 20

/** Stops by itself when all has been read. */
export function startBacklog(database: Database): { stop(): void } {
  const step = backlogOf(database)
  let stopped = false
  const read = async () => {
    while (!stopped && (await database.write(step))) await Bun.sleep(pauseMs)
  }
  read().catch(error => log.warn('the search index is not whole: {reason}', { reason: reason(error) }))
  return {
    stop: () => {
      stopped = true
    },
  }
}

/** One step; false where nothing is left. */
export function backlogOf(database: Database): () => boolean {
  const index = searchIndex(database)
  const next = database.prepare<{ chatId: string; unread: number }, []>(
    'SELECT chat_id AS chatId, unread FROM search_chats WHERE unread > 0 LIMIT 1',
  )
  const messages = database.prepare<{ position: number; bytes: number; content: string }, [string, number]>(
    `SELECT position, bytes, content FROM messages WHERE chat_id = ? AND position <= ?
     ORDER BY position DESC LIMIT ${rowsPerStep}`,
  )
  const readDownTo = database.prepare<null, [number, string]>(
    'UPDATE search_chats SET unread = ? WHERE chat_id = ?',
  )

  return () => {
    const chat = next.get()
    if (!chat) return false
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
