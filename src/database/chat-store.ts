import type { ChatStore, KeptChat, ListPlace, PathMessage } from '../modules/agent-chats/chat-store.ts'
import type { ChatMessage } from '../modules/agent-chats/store.ts'
import { chatTitles } from './chat-titles.ts'
import type { Database } from './database.ts'
import { textOf } from './message-text.ts'
import { matchFor } from './search-words.ts'

type ChatRow = Omit<KeptChat, 'run'>
type PathRow = Omit<PathMessage, 'message' | 'text' | 'versions'> & { content: string }

const chatColumns = 'id, title, created_at AS createdAt, updated_at AS updatedAt, head_id AS headId'
const newest: ListPlace = { updatedAt: Number.MAX_SAFE_INTEGER, id: '' }

export function chatStore(database: Database): ChatStore {
  const chat = database.prepare<ChatRow, [string, string]>(
    `SELECT ${chatColumns} FROM chats WHERE id = ? AND user_id = ?`,
  )
  const listed = 'user_id = $userId AND (updated_at, id) < ($updatedAt, $id)'
  const inOrder = 'ORDER BY updated_at DESC, id DESC LIMIT $limit'
  const list = database.prepare<ChatRow>(`SELECT ${chatColumns} FROM chats WHERE ${listed} ${inOrder}`)
  const search = database.prepare<ChatRow>(
    `SELECT ${chatColumns} FROM chats WHERE ${listed} AND id IN (
       SELECT chat_id FROM search_chats WHERE number IN (SELECT rowid >> 24 FROM search WHERE search MATCH $match)
     ) ${inOrder}`,
  )
  const openRun = database.prepare<NonNullable<KeptChat['run']>, [string]>(
    `SELECT id, status FROM runs INDEXED BY runs_open WHERE chat_id = ? AND status IN ('queued', 'running', 'waiting')
     ORDER BY status = 'queued', started_at, id LIMIT 1`,
  )
  const messageById = database.prepare<PathRow, [string, string]>(
    `SELECT m.id, m.parent_id AS parentId, m.created_at AS createdAt, m.content, m.run_id AS runId,
       r.answer_id AS answerId, r.status AS runStatus, r.error_code AS runError
     FROM messages m LEFT JOIN runs r ON r.chat_id = m.chat_id AND r.id = m.run_id
     WHERE m.chat_id = ? AND m.id = ?`,
  )
  const versions = database.prepare<{ id: string }, [string, string | null]>(
    `SELECT id FROM messages INDEXED BY messages_by_parent
     WHERE chat_id = ? AND parent_id IS ? ORDER BY position`,
  )
  // What hangs below a message is newer, so the newest of all is an end.
  // CROSS: else SQLite may go through the whole chat for each message of the path.
  const newestUnder = database.prepare<{ id: string }>(
    `WITH RECURSIVE under (id, position) AS (
       SELECT id, position FROM messages WHERE chat_id = $chatId AND id = $id
       UNION ALL
       SELECT m.id, m.position FROM under CROSS JOIN messages m INDEXED BY messages_by_parent
         ON m.chat_id = $chatId AND m.parent_id = under.id
     ) SELECT id FROM under ORDER BY position DESC LIMIT 1`,
  )
  const firstQuestion = database.prepare<{ content: string }>(
    `SELECT m.content FROM chats c
       JOIN runs r ON r.chat_id = c.id AND r.id = $runId
       JOIN messages m ON m.chat_id = c.id AND m.id = r.message_id
     WHERE c.id = $chatId AND title_by = 'message' AND NOT EXISTS (
       SELECT 1 FROM runs WHERE chat_id = $chatId AND id <> $runId AND status = 'finished')`,
  )
  const setHead = database.prepare<null, [string, string]>('UPDATE chats SET head_id = ? WHERE id = ?')
  const removeRecord = database.prepare<null, [string]>(
    'DELETE FROM run_record WHERE run_id IN (SELECT id FROM runs WHERE chat_id = ?)',
  )
  const removeChat = database.prepare<null, [string]>('DELETE FROM chats WHERE id = ?')

  const titles = chatTitles(database)

  const withRun = (row: ChatRow): KeptChat => ({ ...row, run: openRun.get(row.id) })

  function upwards(chatId: string, from: string | null, limit: number): PathMessage[] {
    const path: PathMessage[] = []
    for (let id = from; id && path.length < limit; ) {
      const row = messageById.get(chatId, id)
      if (!row) break
      const { content, ...rest } = row
      const siblings = versions.all(chatId, row.parentId).map(({ id }) => id)
      const message = JSON.parse(content) as ChatMessage
      path.push({ ...rest, message, text: textOf(message), versions: siblings })
      id = row.parentId
    }
    return path
  }

  return {
    async find(userId, chatId) {
      const row = chat.get(chatId, userId)
      return row && withRun(row)
    },
    async list(userId, { question, after, limit }) {
      const page = { userId, ...(after ?? newest), limit }
      if (question === null) return list.all(page).map(withRun)
      const match = matchFor(userId, question)
      return match === null ? [] : search.all({ ...page, match }).map(withRun)
    },
    async path(userId, chatId, start, limit) {
      const row = chat.get(chatId, userId)
      if (!row) return 'chat_not_found'
      if (start === null) return upwards(chatId, row.headId, limit)
      const from = 'from' in start ? start.from : newestUnder.get({ chatId, id: start.through })?.id
      return from === undefined ? 'message_not_found' : upwards(chatId, from, limit)
    },
    change: (userId, chatId, { title, through }) =>
      database.write(() => {
        if (!chat.get(chatId, userId)) return 'chat_not_found'
        if (through !== undefined) {
          if (openRun.get(chatId)) return 'run_in_progress'
          const head = newestUnder.get({ chatId, id: through })
          if (!head) return 'message_not_found'
          setHead.run(head.id, chatId)
        }
        if (title !== undefined) titles.giveByPerson(chatId, title)
        return withRun(chat.get(chatId, userId)!)
      }),
    async toBeNamed(chatId, runId) {
      const row = firstQuestion.get({ chatId, runId })
      return row && textOf(JSON.parse(row.content))
    },
    async name(chatId, title) {
      await database.write(() => titles.giveByModel(chatId, title))
    },
    remove: (userId, chatId) =>
      database.write(() => {
        if (!chat.get(chatId, userId)) return false
        removeRecord.run(chatId)
        removeChat.run(chatId)
        return true
      }),
  }
}
