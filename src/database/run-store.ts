import type { RunEvent } from '../modules/agent-chats/events.ts'
import type {
  CallAnswer,
  Context,
  KeptRun,
  Order,
  Paused,
  Place,
  RunStart,
  RunState,
  RunStore,
} from '../modules/agent-chats/store.ts'
import { addAttachments, attachmentRoom, attachmentsOf } from './attachment-store.ts'
import type { Database } from './database.ts'
import { messagePath } from './message-path.ts'
import { pathWalks } from './path-walks.ts'
import { runRecord } from './run-record.ts'
import { addSpent } from './usage-store.ts'

const keySeconds = 24 * 60 * 60

type StateRow = Omit<RunState, 'usage' | 'order' | 'paused'> &
  Omit<RunState['usage'], 'estimated'> & { estimated: number; pending: string | null }
type RunRow = StateRow & { events: string | null }

const runColumns = `r.chat_id AS chatId, r.id AS runId, c.user_id AS userId, answer_id AS answerId,
  message_id AS messageId, model, status, error_code AS errorCode, started_at AS startedAt, ended_at AS endedAt,
  input_tokens AS inputTokens, cached_input_tokens AS cachedInputTokens, output_tokens AS outputTokens,
  reasoning_tokens AS reasoningTokens, estimated, pending`
const stateTables = 'runs r JOIN chats c ON c.id = r.chat_id'
const transcript = 'LEFT JOIN transcripts t ON t.chat_id = r.chat_id AND t.run_id = r.id'
const runTables = `${stateTables} ${transcript}`
/** Unless it is told, SQLite reads all runs of the chat. */
const openRuns = `runs r INDEXED BY runs_open JOIN chats c ON c.id = r.chat_id ${transcript}`

const openStatuses = ['queued', 'running', 'waiting']

/** In the words of the index runs_open, or it is not used. */
const isOpen = `status IN (${openStatuses.map(status => `'${status}'`).join(', ')})`

export function runStore(database: Database): RunStore {
  const path = messagePath(database)
  const walks = pathWalks(database)
  const record = runRecord(database)
  const spend = addSpent(database)
  const attach = addAttachments(database)
  const hasRoom = attachmentRoom(database)
  const owner = database.prepare<{ userId: string; headId: string | null }, [string]>(
    'SELECT user_id AS userId, head_id AS headId FROM chats WHERE id = ?',
  )
  const insertChat = database.prepare(
    'INSERT INTO chats (id, user_id, created_at, updated_at) VALUES ($chatId, $userId, $now, $now)',
  )
  /** The message's beginning is its title where there is none. Nothing changes where the chat is another's. */
  const goOnWith = database.prepare(
    `INSERT INTO chats (id, user_id, head_id, title, title_by, created_at, updated_at)
     VALUES ($chatId, $userId, $headId, $title, $titleBy, $now, $now)
     ON CONFLICT (id) DO UPDATE SET head_id = $headId, updated_at = $now,
       title_by = iif(title IS NULL, $titleBy, title_by), title = ifnull(title, $title)
     WHERE user_id = $userId`,
  )
  /** Unless the person has gone on from another answer meanwhile, the path ends with this one. */
  const followHead = database.prepare(
    `UPDATE chats SET updated_at = $now, head_id = iif(
       head_id = $messageId OR head_id IN (SELECT id FROM messages WHERE chat_id = $chatId AND run_id = $runId),
       $headId, head_id)
     WHERE id = $chatId`,
  )
  const insertRun = database.prepare(
    `INSERT INTO runs (id, chat_id, status, started_at, answer_id, message_id, model, pending)
     VALUES ($runId, $chatId, $status, $now, $answerId, $messageId, $model, $pending)
     ON CONFLICT (chat_id, id) DO UPDATE
     SET status = excluded.status, message_id = excluded.message_id, started_at = excluded.started_at, pending = NULL`,
  )
  const insertKey = database.prepare(
    `INSERT INTO idempotency_keys VALUES ($userId, $key, $fingerprint, $chatId, $runId, $expiresAt)
     ON CONFLICT DO UPDATE SET fingerprint = excluded.fingerprint, chat_id = excluded.chat_id,
       run_id = excluded.run_id, expires_at = excluded.expires_at`,
  )
  const keyed = database.prepare<
    { chatId: string; runId: string; fingerprint: string },
    [string, string, number]
  >(
    `SELECT chat_id AS chatId, run_id AS runId, fingerprint FROM idempotency_keys
     WHERE user_id = ? AND key = ? AND expires_at > ?`,
  )
  const closeRun = database.prepare(
    `UPDATE runs SET status = $status, error_code = $errorCode, ended_at = $endedAt, pending = $pending,
       input_tokens = input_tokens + $inputTokens, cached_input_tokens = cached_input_tokens + $cachedInputTokens,
       output_tokens = output_tokens + $outputTokens, reasoning_tokens = reasoning_tokens + $reasoningTokens,
       estimated = max(estimated, $estimated)
     WHERE chat_id = $chatId AND id = $runId`,
  )
  const keepEvents = database.prepare('INSERT OR REPLACE INTO transcripts VALUES (?, ?, ?)')
  const runById = database.prepare<RunRow, [string, string]>(
    `SELECT ${runColumns}, events FROM ${runTables} WHERE r.chat_id = ? AND r.id = ?`,
  )
  const stateById = database.prepare<StateRow, [string, string]>(
    `SELECT ${runColumns} FROM ${stateTables} WHERE r.chat_id = ? AND r.id = ?`,
  )
  const newestOfChat = database.prepare<RunRow, [{ chatId: string; messageId: string | null }]>(
    `SELECT ${runColumns}, events FROM ${runTables}
     WHERE r.chat_id = $chatId AND ($messageId IS NULL OR message_id = $messageId) ORDER BY r.id DESC LIMIT 1`,
  )
  const openOfChat = database.prepare<RunRow, [string]>(
    `SELECT ${runColumns}, events FROM ${openRuns}
     WHERE r.chat_id = ? AND ${isOpen} AND status <> 'queued' ORDER BY started_at LIMIT 1`,
  )
  const interrupted = database.prepare<RunRow, []>(
    `SELECT ${runColumns}, events FROM ${openRuns} WHERE ${isOpen} AND status <> 'waiting' ORDER BY r.id`,
  )
  /** Ids of messages that are still to come: of other answers that are told of already, and of what stands in line. */
  const promised = database.prepare<{ found: 1 }, [{ chatId: string; runId: string; messageId: string }]>(
    `SELECT 1 AS found FROM runs INDEXED BY runs_open WHERE chat_id = $chatId AND ${isOpen} AND id <> $runId
     AND (answer_id = $messageId OR (status = 'queued' AND pending ->> '$.message.id' = $messageId)) LIMIT 1`,
  )
  const setPending = database.prepare(
    'UPDATE runs SET status = $status, pending = $pending WHERE chat_id = $chatId AND id = $runId',
  )

  /** False where the chat is another's. */
  function ownChat({ chatId, userId, now }: Pick<RunStart, 'chatId' | 'userId' | 'now'>): boolean {
    const chat = owner.get(chatId)
    if (!chat) insertChat.run({ chatId, userId, now })
    return !chat || chat.userId === userId
  }

  function keepRun(start: RunStart, status: string, messageId: string | null, pending: string | null): void {
    const { runId, chatId, userId, answerId, model, key, attachments, now } = start
    attach(chatId, attachments)
    insertRun.run({ runId, chatId, answerId, model, now, status, messageId, pending })
    if (key) insertKey.run({ ...key, userId, chatId, runId, expiresAt: now + keySeconds * 1000 })
  }

  const isTaken = ({ chatId, runId }: RunStart, messageId: string): boolean =>
    path.has(chatId, messageId) || promised.get({ chatId, runId, messageId }) !== null

  /** With what it is saying, where it has not ended. */
  const withRecord = (row: RunRow): KeptRun =>
    kept(row, row.status === 'running' ? record.read([row.runId]) : undefined)

  function answerOne(
    paused: Paused,
    id: string,
    answer: CallAnswer,
  ): 'call_not_found' | 'call_answered' | null {
    const call = paused.calls.find(call => call.id === id)
    // An approval is no result, and a result is no approval.
    if (!call || (call.waitsFor === 'approval') !== 'approved' in answer) return 'call_not_found'
    if (call.answer) return 'call_answered'
    call.answer = answer
    return null
  }

  return {
    async context(chatId, userId, at, bytes) {
      const chat = owner.get(chatId)
      if (chat && chat.userId !== userId) return 'chat_not_found'
      const start = startOf(chatId, chat?.headId ?? null, at)
      if (!start) return 'message_not_found'
      if (!chat) return { ...start, messages: [], open: null }
      const open = openOfChat.get(chatId)
      return {
        ...start,
        messages: path.newest(chatId, start.parentId, bytes),
        // What nobody carries out any more has left off somewhere.
        open: open && withRecord(open),
      } satisfies Context
    },
    async standing(chatId, userId, messageId) {
      const chat = owner.get(chatId)
      const named = chat?.userId === userId ? path.find(chatId, messageId) : null
      if (named?.message.role !== 'user') return null
      const standing = await walks.childOnPath(chatId, chat!.headId, named.parentId)
      const { id, message } = (standing && path.find(chatId, standing)) || named
      return message.role === 'user' ? { id, message } : { id: named.id, message: named.message }
    },
    async refusal(run, { at, message }) {
      const { chatId, userId } = run
      const chat = owner.get(chatId)
      if (chat && chat.userId !== userId) return 'chat_not_found'
      const start = startOf(chatId, chat?.headId ?? null, at)
      if (!start) return 'message_not_found'
      if (start.parentId && !path.has(chatId, start.parentId)) return 'chat_not_found'
      if (message && isTaken(run, message.id)) return 'message_id_taken'
      return hasRoom(run) ? null : 'attachment_space_full'
    },
    queueRun: (start, order) =>
      database.write(() => {
        if (!hasRoom(start)) return 'attachment_space_full'
        if (!ownChat(start)) return 'chat_not_found'
        if (order.message && isTaken(start, order.message.id)) return 'message_id_taken'
        keepRun(start, 'queued', null, JSON.stringify(order))
        return 'queued'
      }),
    beginRun: (start, { messageId, message, parentId, title }) =>
      database.write(() => {
        const { chatId, userId, now } = start
        if (!hasRoom(start)) return 'attachment_space_full'
        // What it was to hang below may be gone with the chat.
        if (parentId && !path.has(chatId, parentId)) return 'chat_not_found'
        // Ids that are promised to others were asked for as it was queued: what begins at once finds nobody in line.
        if (message && path.has(chatId, message.id)) return 'message_id_taken'
        const named = { title: title?.text ?? null, titleBy: title?.isForNow ? 'message' : null }
        if (!goOnWith.run({ chatId, userId, headId: messageId, ...named, now }).changes)
          return 'chat_not_found'
        keepRun(start, 'running', messageId, null)
        if (message) path.append(chatId, start.runId, parentId, [message], now)
        return 'begun'
      }),
    record: record.add,
    async endRun({ chatId, runId, userId, answer, events, usage, spent, paused, now, status, errorCode }) {
      const recorded = record.placeOf(runId)
      const step = () => {
        const endedAt = status === 'waiting' ? null : now
        const pending = paused && JSON.stringify(paused)
        const took = { ...usage, estimated: Number(usage.estimated) }
        record.drop(runId)
        const run = stateById.get(chatId, runId)
        if (!run || openStatuses.includes(run.status)) spend(userId, spent)
        if (!run || !openStatuses.includes(run.status)) return
        closeRun.run({ chatId, runId, status, errorCode, endedAt, pending, ...took })
        const headId = path.append(chatId, runId, run.messageId, answer, now)
        followHead.run({ chatId, runId, messageId: run.messageId, headId, now })
        keepEvents.run(chatId, runId, JSON.stringify(events))
        path.index(chatId, [run.messageId ?? [], answer.map(({ id }) => id)].flat(2))
      }
      await database.write(step).catch(error => {
        record.hold(runId, recorded)
        throw error
      })
    },
    async interruptedRuns() {
      const rows = interrupted.all()
      const said = record.read(rows.map(({ runId }) => runId))
      return rows.map(row => kept(row, row.status === 'running' ? said : undefined))
    },
    async state(chatId, runId, userId) {
      const row = stateById.get(chatId, runId)
      return row?.userId === userId ? stateOf(row) : null
    },
    async run(chatId, runId, userId) {
      const row = runById.get(chatId, runId)
      return row?.userId === userId ? withRecord(row) : null
    },
    async newestRun(chatId, userId, messageId) {
      const chat = owner.get(chatId)
      if (chat && chat.userId !== userId) return 'chat_not_found'
      const row = newestOfChat.get({ chatId, messageId: messageId ?? null })
      return row && kept(row)
    },
    keyed: (userId, key, now) => keyed.get(userId, key, now),
    answerCalls: ({ chatId, runId, userId }, answers) =>
      database.write(() => {
        const row = runById.get(chatId, runId)
        if (row?.userId !== userId) return 'run_not_found'
        const run = kept(row)
        if (!run.paused) return 'call_answered'
        for (const { id, answer } of answers) {
          const wrong = answerOne(run.paused, id, answer)
          if (wrong) return wrong
        }
        const complete = run.paused.calls.every(({ answer }) => answer !== null)
        const status = complete ? 'running' : 'waiting'
        setPending.run({ chatId, runId, status, pending: JSON.stringify(run.paused) })
        return { complete, run: { ...run, status } }
      }),
  }

  /** The message that a run at this place answers, where it is there already, and the one above it. */
  function startOf(
    chatId: string,
    headId: string | null,
    at: Place,
  ): Pick<Context, 'parentId' | 'asked' | 'replaced'> | null {
    if (at.kind === 'next') return { parentId: headId, asked: null, replaced: [] }
    if (at.kind === 'below') return { parentId: at.messageId, asked: null, replaced: [] }
    const named = path.find(chatId, at.messageId ?? headId ?? '')
    const asked = at.kind === 'again' && named ? path.questionOf(chatId, named) : named
    if (asked?.message.role !== 'user') return null
    const { id, parentId, message } = asked
    if (at.kind === 'again') return { parentId, asked: { id, message }, replaced: [] }
    const keeps = at.kind === 'edit' && at.keepsAttachments
    return { parentId, asked: null, replaced: keeps ? attachmentsOf(message) : [] }
  }
}

/** @param said what runs that were cut off had said */
function kept({ events, ...row }: RunRow, said?: Map<string, RunEvent[]>): KeptRun {
  const before = events === null ? [] : (JSON.parse(events) as RunEvent[])
  return {
    ...stateOf(row),
    // That it began is on record by its status.
    events: said ? [...before, { type: 'RUN_STARTED' }, ...(said.get(row.runId) ?? [])] : before,
  }
}

function stateOf({ pending, ...row }: StateRow): RunState {
  const { inputTokens, cachedInputTokens, outputTokens, reasoningTokens, estimated, ...run } = row
  const state = pending === null ? null : JSON.parse(pending)
  return {
    ...run,
    usage: { inputTokens, cachedInputTokens, outputTokens, reasoningTokens, estimated: estimated === 1 },
    order: run.status === 'queued' ? (state as Order) : null,
    paused: run.status === 'queued' ? null : (state as Paused | null),
  }
}
