/**
 * What a request of AG-UI asks for. Its client sends the whole conversation each time, but the history is kept
 * here: it can bring a new message, or ask for what comes of one that is there.
 */
import { createHash } from 'node:crypto'
import { AppError } from '../../errors.ts'
import { type AgUiBody, type Asked, askedIn } from './ag-ui-schema.ts'
import { textOf } from './history.ts'
import type { OnConflict } from './lanes.ts'
import type { Run } from './run.ts'
import type { AgentChats } from './service.ts'
import type { Known, Telling } from './wires/ag-ui.ts'
import { chatIdOf, messageIdOf } from './wires/chat-id.ts'

/** A run, to be told from after a place. */
export type Turn = { run: Run; after: number; telling: Telling }

/** Throws what `send` and `answerCalls` throw, and a ValidationError. */
export async function takeTurn(
  chats: AgentChats,
  userId: string,
  body: AgUiBody,
  onConflict: OnConflict,
): Promise<Turn> {
  const { threadId, runId } = body
  const chatId = chatIdOf(userId, threadId)
  const { message, since } = askedIn(body)
  if (!message) throw new AppError('message_not_found')
  const run = await answering(
    chats,
    { userId, chatId, onConflict, key: keyOf(chatId, message.id, runId) },
    message,
  )
  return { run, after: 0, telling: { threadId, runId, known: knownIn(since) } }
}

type Asking = { userId: string; chatId: string; onConflict: OnConflict; key: ReturnType<typeof keyOf> }

/** The run that answers the message. One that is there already is answered again only where that failed. */
async function answering(
  chats: AgentChats,
  { userId, chatId, ...how }: Asking,
  { id, content }: NonNullable<Asked['message']>,
): Promise<Run> {
  const messageId = messageIdOf(chatId, id)
  const before = await chats.standing(userId, chatId, messageId)
  if (!before) return chats.send(userId, { chatId, content, messageId, ...how })
  if (before.message.role !== 'user' || textOf(before.message) !== content)
    return chats.send(userId, { chatId, content, at: { kind: 'edit', messageId: before.id }, ...how })
  const run = (await chats.newest(userId, chatId, before.id))!
  return run.status === 'failed' || run.status === 'cancelled'
    ? chats.regenerate(userId, chatId, { messageId: before.id, ...how })
    : chats.follow(userId, chatId, run.runId)
}

/** A request that is repeated, its answer having been lost, is the same run whatever became of it. */
const keyOf = (...names: string[]) => ({
  key: createHash('sha256')
    .update(`ag-ui ${JSON.stringify(names)}`)
    .digest('base64url'),
  fingerprint: '',
})

/** What of the answer is there on the client's side. */
function knownIn(messages: Asked['since']): Known {
  const known: Known = { lengths: new Map(), answered: new Set() }
  for (const { role, id, content, toolCalls, toolCallId } of messages) {
    if (role === 'tool') known.answered.add(String(toolCallId))
    else if (typeof content === 'string') known.lengths.set(String(id), content.length)
    for (const call of Array.isArray(toolCalls) ? toolCalls : [])
      known.lengths.set(String(call?.id), String(call?.function?.arguments ?? '').length)
  }
  return known
}
