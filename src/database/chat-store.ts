import { givingWay } from '../giving-way.ts'
import type { ChatStore, KeptChat, ListPlace, PathMessage } from '../modules/agent-chats/chat-store.ts'
import type { ChatMessage } from '../modules/agent-chats/store.ts'
import { chatTitles } from './chat-titles.ts'
import type { Database } from './database.ts'
import { textOf } from './message-text.ts'
import { pathWalks } from './path-walks.ts'
import { matchFor } from './search-words.ts'

type ChatRow = Omit<KeptChat, 'run'>
type PathRow = Omit<PathMessage, 'message' | 'text' | 'versions'> & { content: string }

const chatColumns = 'id, title, created_at AS createdAt, updated_at AS updatedAt, head_id AS headId'
/** Of a message that was edited, or answered again, without end the newest are listed. */
const versionsListed = 100
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
     WHERE chat_id = ? AND parent_id IS ? ORDER BY position DESC LIMIT ${versionsListed}`,
  )
  const firstQuestion = database.prepare<{ content: string }>(
    `SELECT m.content FROM chats c
       JOIN runs r ON r.chat_id = c.id AND r.id = $runId
       JOIN messages m ON m.chat_id = c.id AND m.id = r.message_id
     WHERE c.id = $chatId AND title_by = 'message' AND NOT EXISTS (
       SELECT 1 FROM runs WHERE chat_id = $chatId AND id <> $runId AND status = 'finished')`,
  )
  /** Nothing changes where the message is not there. */
  const setHead = database.prepare<null>(
    `UPDATE chats SET head_id = $headId
     WHERE id = $chatId AND EXISTS (SELECT 1 FROM messages WHERE chat_id = $chatId AND id = $headId)`,
  )
  const removeRecord = database.prepare<null, [string]>(
    'DELETE FROM run_record WHERE run_id IN (SELECT id FROM runs WHERE chat_id = ?)',
  )
  const removeChat = database.prepare<null, [string]>('DELETE FROM chats WHERE id = ?')

  const titles = chatTitles(database)
  const walks = pathWalks(database)

  const withRun = (row: ChatRow): KeptChat => ({ ...row, run: openRun.get(row.id) })

  async function upwards(chatId: string, from: string | null, limit: number): Promise<PathMessage[]> {
    const giveWay = givingWay()
    const path: PathMessage[] = []
    for (let id = from; id && path.length < limit; ) {
      const row = messageById.get(chatId, id)
      if (!row) break
      const { content, ...rest } = row
      const message = JSON.parse(content) as ChatMessage
      path.push({ ...rest, message, text: textOf(message), versions: versionsOf(chatId, row) })
      id = row.parentId
      await giveWay()
    }
    return path
  }

  function versionsOf(chatId: string, { id, parentId }: Pick<PathRow, 'id' | 'parentId'>): string[] {
    const listed = versions.all(chatId, parentId).map(({ id }) => id)
    if (!listed.includes(id)) listed.push(id)
    return listed.reverse()
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
      const from = 'from' in start ? start.from : await walks.newestUnder(chatId, start.through)
      return from === null ? 'message_not_found' : upwards(chatId, from, limit)
    },
    async change(userId, chatId, { title, through }) {
      // Beforehand: no step of its own may be long.
      const headId = through === undefined ? null : await walks.newestUnder(chatId, through)
      return database.write(() => {
        if (!chat.get(chatId, userId)) return 'chat_not_found'
        if (through !== undefined) {
          if (openRun.get(chatId)) return 'run_in_progress'
          if (!setHead.run({ chatId, headId }).changes) return 'message_not_found'
        }
        if (title !== undefined) titles.giveByPerson(chatId, title)
        return withRun(chat.get(chatId, userId)!)
      })
    },
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
