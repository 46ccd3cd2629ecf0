/** What a request of the AI SDK's client asks for. All else that it sends, the chat's history above all, is not believed. */
import { AppError } from '../../../errors.ts'
import { lengthOf } from '../../../http/text.ts'
import { fill, type Locale, textsIn } from '../../../texts/index.ts'
import { messageLength, reasonLength } from '../schema.ts'
import type { CallAnswer } from '../store.ts'
import type { UiBody } from '../ui-schema.ts'

export type Asked =
  | { kind: 'message'; id: string | null; text: string }
  | { kind: 'again'; messageId: string | null }
  | { kind: 'approvals'; answers: Array<{ id: string; answer: CallAnswer }> }

type UiMessage = UiBody['messages'][number]
type Placed = { message: UiMessage; pointer: string }

/** Throws invalid_request. */
export function askedOf({ messages, trigger, messageId }: UiBody, locale: Locale): Asked {
  const wrong = problemsIn(locale)
  const placed = messages.map((message, index): Placed => ({ message, pointer: `/body/messages/${index}` }))
  const last = placed.at(-1)
  if (last?.message.role === 'user') return { kind: 'message', ...said(last, wrong) }
  if (trigger === 'regenerate-message') return { kind: 'again', messageId: messageId ?? null }
  const named = placed.find(({ message }) => message.id === messageId) ?? last
  const answers = named?.message.role === 'assistant' ? answersIn(named, wrong) : []
  if (answers.length === 0) throw wrong('/body/messages', ({ invalid }) => invalid)
  return { kind: 'approvals', answers }
}

type Wrong = ReturnType<typeof problemsIn>
type Sentence = (fields: ReturnType<typeof textsIn>['fields']) => string

const problemsIn = (locale: Locale) => (pointer: string, sentence: Sentence) =>
  new AppError('invalid_request', {
    members: { errors: [{ pointer, detail: sentence(textsIn(locale).fields) }] },
  })

function said({ message: { id, parts }, pointer }: Placed, wrong: Wrong) {
  const place = `${pointer}/parts`
  const text = parts
    .filter((part, index) => {
      // What would be lost is refused; what is no part of the message, as data for the client itself, is not.
      if (part.type === 'file') throw wrong(`${place}/${index}`, ({ invalid }) => invalid)
      return part.type === 'text'
    })
    .map(({ text }) => text ?? '')
    .join('\n\n')
  if (text === '') throw wrong(place, ({ minLength }) => fill(minLength, { min: 1 }))
  if (lengthOf(text) > messageLength)
    throw wrong(place, ({ maxLength }) => fill(maxLength, { max: messageLength }))
  return { id: id ?? null, text }
}

function answersIn({ message: { parts }, pointer }: Placed, wrong: Wrong) {
  return parts.flatMap(({ state, approval }, index) => {
    if (state !== 'approval-responded') return []
    const place = `${pointer}/parts/${index}/approval`
    const { id, approved, reason } = Object(approval) as Record<string, unknown>
    if (typeof id !== 'string' || typeof approved !== 'boolean') throw wrong(place, ({ invalid }) => invalid)
    if (typeof reason !== 'string') return [{ id, answer: { approved } }]
    if (lengthOf(reason) > reasonLength)
      throw wrong(`${place}/reason`, ({ maxLength }) => fill(maxLength, { max: reasonLength }))
    return [{ id, answer: { approved, reason } }]
  })
}
