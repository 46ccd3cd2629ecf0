import type { ConversationStore } from '../modules/agent-chats/store.ts'
import { addAttachments, attachmentRoom, attachmentsOf } from './attachment-store.ts'
import type { Database } from './database.ts'
import { messagePath } from './message-path.ts'
import { textOf } from './message-text.ts'

/** The key of the ids that clients' names of chats stand for. */
export const chatIdKey = (database: Database): Uint8Array =>
  database.prepare<{ key: Uint8Array }>('SELECT key FROM chat_id_key').get()!.key

/** Of what was said in one place without end the newest is known again. */
const childrenRead = 100

/** @param onUnread what is to be searched has come, and is not in the index yet */
export function conversationStore(database: Database, onUnread: () => void): ConversationStore {
  const path = messagePath(database)
  const attach = addAttachments(database)
  const hasRoom = attachmentRoom(database)
  const newestBelow = database.prepare<{ id: string }, [string, string | null]>(
    `SELECT id FROM messages INDEXED BY messages_by_parent
     WHERE chat_id = ? AND parent_id IS ? ORDER BY position DESC LIMIT ${childrenRead}`,
  )
  const owner = database.prepare<{ userId: string }, [string]>(
    'SELECT user_id AS userId FROM chats WHERE id = ?',
  )
  const insertChat = database.prepare(
    `INSERT OR IGNORE INTO chats (id, user_id, created_at, updated_at) VALUES ($chatId, $userId, $now, $now)`,
  )

  // They can be many and long: they are read into the index in steps.
  const markUnread = database.prepare<null, [string]>(
    `INSERT INTO search_chats (chat_id, unread) SELECT chat_id, max(position) FROM messages WHERE chat_id = ?
     ON CONFLICT (chat_id) DO UPDATE SET unread = excluded.unread`,
  )

  return {
    *children(chatId, parentId) {
      for (const { id } of newestBelow.all(chatId, parentId).reverse()) {
        const placed = path.find(chatId, id)
        if (!placed) return
        const { runId, message } = placed
        yield { id, runId, role: message.role, text: textOf(message), attachments: attachmentsOf(message) }
      }
    },
    async addMessages(chat, parentId, messages) {
      const last = await database.write(() => {
        const { chatId, userId, attachments, now } = chat
        if (!hasRoom(chat)) return null
        // What they are to hang below may be gone with the chat.
        if (parentId && !path.has(chatId, parentId)) return 'chat_not_found'
        insertChat.run({ chatId, userId, now })
        if (owner.get(chatId)!.userId !== userId) return 'chat_not_found'
        attach(chatId, attachments)
        // Of no run: they were said elsewhere.
        const last = path.append(chatId, '', parentId, messages, now)!
        markUnread.run(chatId)
        return last
      })
      onUnread()
      return last
    },
  }
}
