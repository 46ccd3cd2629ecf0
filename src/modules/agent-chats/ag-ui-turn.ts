/**
 * What a request of AG-UI asks for. Its client sends the whole conversation each time, but the history is kept
 * here: it can bring a new message, answers to what waits, or ask for what comes of a message that is there.
 */
import { AppError } from '../../errors.ts'
import * as input from './ag-ui-input.ts'
import type { AgUiBody } from './ag-ui-schema.ts'
import { areSame } from './attachments/attachment.ts'
import { clientToolsOf } from './client-tools.ts'
import { attachmentsIn, textOf } from './history.ts'
import type { OnConflict } from './lanes.ts'
import type { Run } from './run.ts'
import type { AgentChats } from './service.ts'
import type { KeptMessage, KeptRun } from './store.ts'
import type { Telling } from './wires/ag-ui.ts'
import { messageIdOf } from './wires/chat-id.ts'

/** A run, to be told from after a place. */
export type Turn = { run: Run; after: number; telling: Telling }

type Wishes = { onConflict: OnConflict; model: string }

/** Throws what `send` and `answerCalls` throw, and a ValidationError. */
export async function takeTurn(
  chats: AgentChats,
  userId: string,
  body: AgUiBody,
  wishes: Wishes,
): Promise<Turn> {
  const request = await lookUp(chats, userId, body, wishes)
  const { said, kept, waiting } = request
  const answers = waiting ? input.answersIn(body, waiting.paused!.calls) : []
  if (said && isNew(said, kept)) return say(request, said, answers)
  refuseForged(request)
  return waiting && answers.length > 0 ? goOn(request, waiting, answers) : tellAgain(request)
}

type Request = Awaited<ReturnType<typeof lookUp>>

async function lookUp(chats: AgentChats, userId: string, body: AgUiBody, wishes: Wishes) {
  const chatId = chats.idOf(userId, body.threadId)
  const newest = await chats.newest(userId, chatId)
  const said = input.saidIn(body)
  const id = said ? messageIdOf(chatId, input.idIn(said.id)) : null
  return {
    chats,
    userId,
    chatId,
    body,
    newest,
    waiting: newest?.status === 'waiting' ? newest : null,
    said,
    /** The same message as it is kept, if it is. */
    kept: id === null ? null : await chats.standing(userId, chatId, id),
    telling: { threadId: body.threadId, runId: body.runId, known: input.knownIn(body, said) },
    how: {
      chatId,
      instructions: input.contextIn(body),
      clientTools: clientToolsOf(body.tools),
      ...wishes,
      // A request that is repeated, its answer having been lost, is the same run whatever became of it.
      key: keyOf(chatId, input.idIn(said?.id), body.runId),
    },
  }
}

const keyOf = (...names: string[]) => ({
  key: new Bun.CryptoHasher('sha256').update(`ag-ui ${JSON.stringify(names)}`).digest('base64url'),
  fingerprint: '',
})

const isNew = ({ content, attachments }: input.Said, kept: KeptMessage | null): boolean =>
  kept?.message.role !== 'user' ||
  (typeof content === 'string' && textOf(kept.message) !== content) ||
  !areSame(attachmentsIn(kept.message), attachments)

/** A wait ends with a new message. What the same request allows or answers is carried out before. */
async function say(
  { chats, userId, chatId, waiting, kept, how, telling }: Request,
  said: input.Said,
  answers: input.Answer[],
): Promise<Turn> {
  const { id, content } = input.newMessageOf(said)
  const at = kept ? { kind: 'edit' as const, messageId: kept.id } : undefined
  const { attachments } = said
  const message = { ...how, content, attachments, at, messageId: kept ? undefined : messageIdOf(chatId, id) }
  const goesOn = answers.some(({ answer }) => 'result' in answer || answer.approved)
  if (waiting && goesOn) {
    await chats.answerCalls(userId, chatId, waiting.runId, answers)
    message.onConflict = 'enqueue'
  }
  return { run: await chats.send(userId, message), after: 0, telling }
}

/** An answer that was given before is none: it may be sent again. */
function refuseForged({ body: { resume = [] }, newest }: Request): void {
  const asked = newest?.events.flatMap(event => (event.type === 'RUN_PAUSED' ? event.calls : [])) ?? []
  const isAsked = ({ interruptId }: { interruptId: string }) => asked.some(({ id }) => id === interruptId)
  if (!resume.every(isAsked)) throw new AppError('call_not_found')
}

async function goOn(
  { chats, userId, chatId, telling }: Request,
  { runId, paused }: KeptRun,
  answers: input.Answer[],
): Promise<Turn> {
  const run = await chats.answerCalls(userId, chatId, runId, answers)
  const given = new Set(answers.map(({ id }) => id))
  const left = openOf(paused).filter(({ id }) => !given.has(id))
  // The wait for the others is told once more.
  if (left.length > 0) return { run, after: run.legStart - 1, telling: { ...telling, waitsFor: left } }
  const known = { ...telling.known, lengths: new Map() }
  return { run, after: run.legStart, telling: { ...telling, known } }
}

const openOf = (paused: KeptRun['paused']) => paused?.calls.filter(({ answer }) => answer === null) ?? []

/** Nothing new came: there is an answer, unless it failed and the client asks for another. */
async function tellAgain(request: Request): Promise<Turn> {
  const { chats, userId, chatId, body, newest, kept, how, telling } = request
  const told = kept ? await chats.newest(userId, chatId, kept.id) : body.resume?.length ? newest : null
  if (kept && !isAnswered(told) && body.messages.at(-1)?.role !== 'tool') {
    const at = { kind: 'again' as const, messageId: kept.id }
    return { run: await chats.send(userId, { ...how, at }), after: 0, telling }
  }
  if (!told) throw new AppError('message_not_found')
  const run = await chats.follow(userId, chatId, told.runId)
  const waitsFor = told.status === 'waiting' ? openOf(told.paused) : undefined
  return { run, after: 0, telling: { ...telling, waitsFor } }
}

const isAnswered = (run: KeptRun | null) => run && run.status !== 'failed' && run.status !== 'cancelled'
