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

export function conversationStore(database: Database): ConversationStore {
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

  return {
    *children(chatId, parentId) {
      for (const { id } of newestBelow.all(chatId, parentId).reverse()) {
        const placed = path.find(chatId, id)
        if (!placed) return
        const { runId, message } = placed
        yield { id, runId, role: message.role, text: textOf(message), attachments: attachmentsOf(message) }
      }
    },
    addMessages: (chat, parentId, messages) =>
      database.write(() => {
        const { chatId, userId, attachments, now } = chat
        if (!hasRoom(chat)) return null
        // What they are to hang below may be gone with the chat.
        if (parentId && !path.has(chatId, parentId)) return 'chat_not_found'
        insertChat.run({ chatId, userId, now })
        if (owner.get(chatId)!.userId !== userId) return 'chat_not_found'
        attach(chatId, attachments)
        // Of no run: they were said elsewhere.
        const last = path.append(chatId, '', parentId, messages, now)!
        path.index(
          chatId,
          messages.map(({ id }) => id),
        )
        return last
      }),
  }
}
