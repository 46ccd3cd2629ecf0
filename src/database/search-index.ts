/** The index of what was said, written within the step that is running. What leaves the chats leaves it by the schema. */
import type { ChatMessage } from '../modules/agent-chats/store.ts'
import type { Database } from './database.ts'
import { textOf } from './message-text.ts'
import { markedWords } from './search-words.ts'

type Indexed = { number: number; userId: string }

export function searchIndex(database: Database) {
  const enter = database.prepare<null, [string]>('INSERT OR IGNORE INTO search_chats (chat_id) VALUES (?)')
  const indexed = database.prepare<Indexed, [string]>(
    `SELECT s.number, c.user_id AS userId FROM search_chats s JOIN chats c ON c.id = s.chat_id
     WHERE s.chat_id = ?`,
  )
  const row = '($number << 24) + $position'
  const known = database.prepare<unknown>(`SELECT rowid FROM search WHERE rowid = ${row}`)
  const insert = database.prepare(`INSERT INTO search (rowid, words) VALUES (${row}, $words)`)
  const remove = database.prepare(`DELETE FROM search WHERE rowid = ${row}`)
  // As where a chat goes.
  const clear = database.prepare("INSERT INTO search (search, rank) VALUES ('merge', 64)")

  const chatOf = (chatId: string): Indexed => {
    enter.run(chatId)
    return indexed.get(chatId)!
  }

  function add({ number, userId }: Indexed, position: number, text: string): void {
    const words = markedWords(userId, text)
    if (words) insert.run({ number, position, words })
  }

  return {
    /** If it is not there yet: the index itself would take it twice. Of thoughts and tools nothing is looked for. */
    addMessage(chatId: string, position: number, message: ChatMessage): void {
      if (message.role !== 'user' && message.role !== 'assistant') return
      const chat = chatOf(chatId)
      if (!known.get({ number: chat.number, position })) add(chat, position, textOf(message))
    },

    setTitle(chatId: string, title: string): void {
      const chat = chatOf(chatId)
      const before = remove.run({ number: chat.number, position: 0 })
      add(chat, 0, title)
      if (before.changes > 0) clear.run()
    },
  }
}
