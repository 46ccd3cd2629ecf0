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

type Unread = { number: number; chatId: string; readTo: number; unread: number }

/** One step; false where nothing is left. */
export function backlogOf(database: Database): () => boolean {
  const index = searchIndex(database)
  const next = database.prepare<Unread, [number]>(
    `SELECT number, chat_id AS chatId, read_to AS readTo, unread
     FROM search_chats INDEXED BY search_chats_unread WHERE unread > 0 AND number > ? ORDER BY number LIMIT 1`,
  )
  const messages = database.prepare<
    { position: number; bytes: number; content: string },
    [string, number, number]
  >(
    `SELECT position, bytes, content FROM messages WHERE chat_id = ? AND position > ? AND position <= ?
     ORDER BY position LIMIT ${rowsPerStep}`,
  )
  const haveRead = database.prepare<null>(
    `UPDATE search_chats SET read_to = $readTo, unread = iif($readTo < unread, unread, 0) WHERE chat_id = $chatId`,
  )

  // One chat after the other: none that is added to again and again holds up the others.
  let before = 0
  return () => {
    const chat = next.get(before) ?? next.get(0)
    if (!chat) return false
    const { chatId, unread } = chat
    before = chat.number
    let readTo: number | null = null
    let size = 0
    for (const { position, bytes, content } of messages.iterate(chatId, chat.readTo, unread)) {
      index.addMessage(chatId, position, JSON.parse(content))
      readTo = position
      size += bytes
      if (size > bytesPerStep) break
    }
    haveRead.run({ chatId, readTo: readTo ?? unread })
    return true
  }
}
