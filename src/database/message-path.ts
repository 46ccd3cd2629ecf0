/** Messages of a chat as a tree, and the paths through it. */
import type { ChatMessage, Context, KeptMessage } from '../modules/agent-chats/store.ts'
import type { Database } from './database.ts'
import { searchIndex } from './search-index.ts'

type Row = { id: string; parentId: string | null; runId: string; bytes: number; content: string }
type Placed = { id: string; parentId: string | null; runId: string; message: ChatMessage }

export function messagePath(database: Database) {
  const index = searchIndex(database)
  const byId = database.prepare<Row, [string, string]>(
    `SELECT id, parent_id AS parentId, run_id AS runId, bytes, content FROM messages
     WHERE chat_id = ? AND id = ?`,
  )
  const step = database.prepare<
    Pick<Row, 'parentId' | 'bytes'> & { content: string | null },
    [string, string]
  >(
    `SELECT parent_id AS parentId, bytes, iif(bytes = 0, NULL, content) AS content FROM messages
     WHERE chat_id = ? AND id = ?`,
  )
  const question = database.prepare<{ messageId: string | null }, [string, string]>(
    'SELECT message_id AS messageId FROM runs WHERE chat_id = ? AND id = ?',
  )
  const placeOf = database.prepare<{ position: number; content: string }, [string, string]>(
    'SELECT position, content FROM messages WHERE chat_id = ? AND id = ?',
  )
  const last = database.prepare<{ position: number | null }, [string]>(
    'SELECT max(position) AS position FROM messages WHERE chat_id = ?',
  )
  const insert = database.prepare(
    `INSERT OR IGNORE INTO messages (chat_id, position, id, parent_id, run_id, created_at, bytes, content)
     VALUES ($chatId, $position, $id, $parentId, $runId, $now, $bytes, $content)`,
  )

  const find = (chatId: string, id: string): Placed | null => placed(byId.get(chatId, id))

  return {
    find,

    has: (chatId: string, id: string): boolean => byId.get(chatId, id) !== null,

    /** The message of the user that this one, if it is no such itself, belongs to the answer of. */
    questionOf(chatId: string, { message, id, runId }: Placed): Placed | null {
      const messageId = message.role === 'user' ? id : question.get(chatId, runId)?.messageId
      return messageId ? find(chatId, messageId) : null
    },

    /** What of the path down to `leafId` the model may see: the newest that fits into so many bytes, oldest first. */
    newest(chatId: string, leafId: string | null, budget: number): Context['messages'] {
      const messages: Context['messages'] = []
      for (let id = leafId; id; ) {
        const row = step.get(chatId, id)
        if (!row) break
        budget -= row.bytes
        if (budget < 0) break
        if (row.content !== null) messages.push({ message: JSON.parse(row.content), bytes: row.bytes })
        id = row.parentId
      }
      return messages.reverse()
    },

    /** Appends a line of messages below the parent; those that are there stay. The id of the last. */
    append(
      chatId: string,
      runId: string,
      parentId: string | null,
      messages: KeptMessage[],
      now: number,
    ): string | null {
      let position = (last.get(chatId)?.position ?? 0) + 1
      for (const { id, message } of messages) {
        const content = JSON.stringify(message)
        // Thoughts are not shown to later runs: they take nothing of their budget, and are not read.
        const bytes = message.role === 'reasoning' ? 0 : Buffer.byteLength(content)
        position += insert.run({ chatId, position, id, parentId, runId, now, bytes, content }).changes
        parentId = id
      }
      return parentId
    },

    /** From now on their words are found. Not as they come: it takes longer than to keep them, and nobody waits for it. */
    index(chatId: string, ids: string[]): void {
      for (const { position, content } of ids.flatMap(id => placeOf.get(chatId, id) ?? []))
        index.addMessage(chatId, position, JSON.parse(content))
    },
  }
}

const placed = (row: Row | null): Placed | null =>
  row && { id: row.id, parentId: row.parentId, runId: row.runId, message: JSON.parse(row.content) }
