/** Titles are given within the step that is running, and found from then on. */
import type { Database } from './database.ts'
import { searchIndex } from './search-index.ts'

export function chatTitles(database: Database) {
  const index = searchIndex(database)
  const byPerson = database.prepare<null, [string, string]>(
    "UPDATE chats SET title = ?, title_by = 'person' WHERE id = ?",
  )
  const byModel = database.prepare<null, [string, string]>(
    "UPDATE chats SET title = ?, title_by = 'model' WHERE id = ? AND title_by = 'message'",
  )
  const found = (chatId: string, title: string, { changes }: { changes: number }): void => {
    if (changes > 0) index.setTitle(chatId, title)
  }

  return {
    giveByPerson: (chatId: string, title: string) => found(chatId, title, byPerson.run(title, chatId)),
    /** In place of the message's. */
    giveByModel: (chatId: string, title: string) => found(chatId, title, byModel.run(title, chatId)),
  }
}
