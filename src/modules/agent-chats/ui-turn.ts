/**
 * What a request of the AI SDK's client leads to. It sends the whole chat each time, but the history is kept here:
 * a message can come anew, be changed, or be answered again, and what waits can be approved.
 */
import { AppError } from '../../errors.ts'
import { areSame } from './attachments/attachment.ts'
import { attachmentsIn, textOf } from './history.ts'
import type { Run } from './run.ts'
import type { AgentChats, Message } from './service.ts'
import { type Asked, askedIn, type UiBody } from './ui-schema.ts'
import { messageIdOf } from './wires/chat-id.ts'
import { uiAttachments } from './wires/ui-files.ts'

/** A run, to be told from after a place. */
export type Turn = { run: Run; after: number }

type At = { userId: string; chatId: string }
type How = Pick<Message, 'onConflict' | 'model'>

/** Throws what `send` and `answerCalls` throw, and invalid_request. */
export async function takeTurn(chats: AgentChats, userId: string, body: UiBody): Promise<Turn> {
  const asked = askedIn(body)
  const at = { userId, chatId: chats.idOf(userId, body.id) }
  // Whoever writes on has stopped listening: the client's own stop is not heard here.
  const how = { onConflict: body.on_conflict ?? ('interrupt' as const), model: body.model }
  if (asked.kind === 'approvals') {
    const run = await approve(chats, at, asked.answers)
    return { run, after: run.legStart }
  }
  const run = asked.kind === 'message' ? say(chats, at, asked, how) : again(chats, at, asked, how)
  return { run: await run, after: 0 }
}

/**
 * New, it is the chat's next; there already, it is answered again, or has been sent twice, its answer having been
 * lost; changed, it comes instead.
 */
async function say(
  chats: AgentChats,
  { userId, chatId }: At,
  { id, text, files, again }: Extract<Asked, { kind: 'message' }>,
  how: How,
): Promise<Run> {
  const messageId = id === null ? undefined : messageIdOf(chatId, id)
  const before = messageId ? await chats.standing(userId, chatId, messageId) : null
  const kept = before ? attachmentsIn(before.message) : []
  const attachments = uiAttachments(files, kept)
  const message = { chatId, content: text, attachments, ...how }
  if (!before) return chats.send(userId, { ...message, messageId })
  if (before.message.role !== 'user' || textOf(before.message) !== text || !areSame(kept, attachments))
    return chats.send(userId, { ...message, at: { kind: 'edit', messageId: before.id } })
  const answer = again ? null : await chats.newest(userId, chatId, before.id)
  return answer && answer.status !== 'failed' && answer.status !== 'cancelled'
    ? chats.follow(userId, chatId, answer.runId)
    : chats.regenerate(userId, chatId, { messageId: before.id, ...how })
}

function again(
  chats: AgentChats,
  { userId, chatId }: At,
  { messageId }: Extract<Asked, { kind: 'again' }>,
  how: How,
): Promise<Run> {
  const named = messageId && messageIdOf(chatId, messageId)
  return chats.regenerate(userId, chatId, { messageId: named, ...how })
}

/** Only what waits can be answered; what else the client's message says of calls is not believed. */
async function approve(
  chats: AgentChats,
  { userId, chatId }: At,
  answers: Extract<Asked, { kind: 'approvals' }>['answers'],
): Promise<Run> {
  const waiting = await chats.waiting(userId, chatId)
  const calls = new Map(waiting?.paused?.calls.map(call => [call.id, call]))
  const known = answers.filter(({ id }) => calls.get(id)?.waitsFor === 'approval')
  const due = known.filter(({ id }) => calls.get(id)?.answer === null)
  if (waiting && due.length > 0) return chats.answerCalls(userId, chatId, waiting.runId, due)
  if (known.length > 0) throw new AppError('call_answered')
  throw new AppError(chats.answering(userId, chatId) ? 'run_in_progress' : 'call_not_found')
}
