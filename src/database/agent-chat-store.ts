import type { AgentChatStore, KeptMessage } from '../modules/agent-chats/store.ts'
import type { Database } from './database.ts'

type Message = KeptMessage['message']

export function agentChatStore(database: Database): AgentChatStore {
  const chat = database.prepare<{ userId: string }>('SELECT user_id AS userId FROM chats WHERE id = ?')
  const insertChat = database.prepare('INSERT INTO chats VALUES ($chatId, $userId, $now, $now)')
  const touchChat = database.prepare('UPDATE chats SET updated_at = $now WHERE id = $chatId')
  const insertRun = database.prepare(
    "INSERT INTO runs (id, chat_id, status, started_at) VALUES ($runId, $chatId, 'running', $now)",
  )
  const closeRun = database.prepare(
    `UPDATE runs SET status = $status, error_code = $errorCode, ended_at = $now
     WHERE chat_id = $chatId AND id = $runId`,
  )
  const interrupt = "UPDATE runs SET status = 'failed', error_code = 'run_interrupted', ended_at = $now"
  const closeOpenRuns = database.prepare(`${interrupt} WHERE status = 'running'`)
  const closeOpenRunsOfChat = database.prepare(`${interrupt} WHERE status = 'running' AND chat_id = $chatId`)
  const last = database.prepare<{ position: number | null }>(
    'SELECT max(position) AS position FROM messages WHERE chat_id = ?',
  )
  const insertMessage = database.prepare(
    'INSERT INTO messages VALUES ($chatId, $position, $id, $runId, $now, $bytes, $content)',
  )
  const sizes = database.prepare<{ position: number; bytes: number }>(
    'SELECT position, bytes FROM messages WHERE chat_id = ? ORDER BY position DESC',
  )
  const contents = database.prepare<{ content: string }>(
    'SELECT content FROM messages WHERE chat_id = ? AND position >= ? ORDER BY position',
  )

  function append(chatId: string, runId: string, messages: KeptMessage[], now: number): void {
    let position = last.get(chatId)?.position ?? 0
    for (const { id, message } of messages) {
      const content = JSON.stringify(message)
      const bytes = Buffer.byteLength(content)
      insertMessage.run({ chatId, position: ++position, id, runId, now, bytes, content })
    }
  }

  /** Reads sizes from the newest on, and no text beyond the budget: a chat may be huge. */
  function newest(chatId: string, budget: number): Message[] {
    let from = Number.MAX_SAFE_INTEGER
    for (const { position, bytes } of sizes.iterate(chatId)) {
      budget -= bytes
      if (budget < 0) break
      from = position
    }
    return contents.all(chatId, from).map(({ content }) => JSON.parse(content) as Message)
  }

  return {
    async history(chatId, userId, bytes) {
      const known = chat.get(chatId)
      if (known && known.userId !== userId) return 'chat_not_found'
      return known ? newest(chatId, bytes) : []
    },
    beginRun: ({ runId, chatId, userId, message, now }) =>
      database.write(() => {
        const known = chat.get(chatId)
        if (known && known.userId !== userId) return 'chat_not_found'
        if (known) touchChat.run({ chatId, now })
        else insertChat.run({ chatId, userId, now })
        // A chat runs one at a time: what is still open here could not be closed, the disk being full perhaps.
        closeOpenRunsOfChat.run({ chatId, now })
        insertRun.run({ runId, chatId, now })
        append(chatId, runId, [message], now)
        return 'begun'
      }),
    endRun: ({ chatId, runId, errorCode, answer, now }) =>
      database.write(() => {
        const status = errorCode === null ? 'finished' : 'failed'
        if (closeRun.run({ chatId, runId, status, errorCode, now }).changes === 0) return
        append(chatId, runId, answer, now)
      }),
    failInterruptedRuns: now => database.write(() => void closeOpenRuns.run({ now })),
  }
}
