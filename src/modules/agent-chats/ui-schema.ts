/** What the AI SDK's client sends: loose about what is not used, strict about what is. */
import { t } from 'elysia'
import { AppError } from '../../errors.ts'
import { checked } from '../../http/checked.ts'
import { text } from '../../http/text.ts'
import { exampleIds, exampleUiChat } from './example.ts'
import { approvalBody, messageBody, messageLength } from './schema.ts'
import type { CallAnswer } from './store.ts'
import type { UiFile } from './wires/ui-files.ts'

// As a schema: with a mere true they would be left out (app.ts).
const more = { additionalProperties: t.Unknown() }

const chatId = text({
  minLength: 1,
  maxLength: 255,
  examples: [exampleIds.session_id],
  description: "The chat: a session_id, or the client's own name for it",
})

export const uiParams = t.Object({ id: chatId })

const part = t.Object(
  {
    type: t.String({ examples: ['text'] }),
    text: t.Optional(t.String({ examples: ['What time is it in Shanghai?'] })),
    state: t.Optional(t.String()),
    approval: t.Optional(t.Unknown()),
  },
  more,
)

const message = t.Object(
  {
    id: t.Optional(t.String({ examples: ['Jm5xVq8PzWk3TbLd'] })),
    role: t.String({ examples: ['user'] }),
    parts: t.Array(part),
  },
  { ...more, title: 'UIMessage' },
)

export const uiBody = t.Object(
  {
    id: chatId,
    messages: t.Array(message, {
      description:
        'Of these, only the last message is read: what the user says, or their answers to what waits for approval',
    }),
    trigger: t.Optional(t.Union([t.Literal('submit-message'), t.Literal('regenerate-message')])),
    messageId: t.Optional(
      t.String({ description: 'The message that is edited, answered again or gone on with' }),
    ),
    model: messageBody.properties.model,
    on_conflict: t.Optional(
      t.Union(messageBody.properties.on_conflict.anyOf, {
        description: 'As with a message. Left out, the new message ends what is being answered',
      }),
    ),
  },
  { title: 'ChatRequest' },
)

export const uiChat = t.Object(
  {
    session_id: t.String({ format: 'uuid' }),
    messages: t.Array(
      t.Object(
        {
          id: t.String(),
          role: t.Union([t.Literal('user'), t.Literal('assistant')]),
          parts: t.Array(t.Object({ type: t.String() }, more)),
        },
        { title: 'UIMessageView' },
      ),
    ),
  },
  { title: 'UIChat', description: 'The chat', examples: [exampleUiChat] },
)

export type UiBody = typeof uiBody.static
export type UiChat = typeof uiChat.static

export type Asked =
  /** `again`: an answer is asked for even where there is one. */
  | { kind: 'message'; id: string | null; text: string; files: UiFile[]; again: boolean }
  | { kind: 'again'; messageId: string | null }
  | { kind: 'approvals'; answers: Array<{ id: string; answer: CallAnswer }> }

/** Throws as the schema of a route does. */
export function askedIn({ messages, trigger, messageId }: UiBody): Asked {
  const again = trigger === 'regenerate-message'
  const last = messages.length - 1
  if (messages[last]?.role === 'user') {
    const id = messages[last].id ?? null
    // A message that is sent for the first time is named by nothing but itself.
    return { kind: 'message', id, ...saidIn(messages, last), again: again || messageId !== undefined }
  }
  if (again) return { kind: 'again', messageId: messageId ?? null }
  const named = messages.findIndex(({ id }) => id === messageId)
  const answers = answersIn(messages, named < 0 ? last : named)
  if (answers.length === 0) throw new AppError('invalid_request', { pointer: '/body/messages' })
  return { kind: 'approvals', answers }
}

const words = text({ minLength: 1, maxLength: messageLength })
/** Beside files. */
const fewWords = text({ maxLength: messageLength })
const file = t.Object({ url: t.String(), filename: t.Optional(t.String()) })

function saidIn(messages: UiBody['messages'], index: number): { text: string; files: UiFile[] } {
  const { parts } = messages[index]!
  const at = ['messages', index, 'parts']
  const files = parts.flatMap((part, place) => {
    if (part.type !== 'file') return []
    const { url, filename } = checked(file, part, ...at, place)
    return [{ name: filename, url, pointer: `/body/${at.join('/')}/${place}/url` }]
  })
  const texts = parts.flatMap(part => (part.type === 'text' ? [part.text ?? ''] : []))
  return { text: checked(files.length > 0 ? fewWords : words, texts.join('\n\n'), ...at), files }
}

const approval = t.Object({ id: t.String(), ...approvalBody.properties })

function answersIn(messages: UiBody['messages'], index: number) {
  const { role, parts } = messages[index] ?? { role: '', parts: [] }
  if (role !== 'assistant') return []
  return parts.flatMap((part, place) => {
    if (part.state !== 'approval-responded') return []
    const at = ['messages', index, 'parts', place, 'approval']
    const { id, approved, reason } = checked(approval, part.approval, ...at)
    return [{ id, answer: { approved, reason: reason ?? undefined } }]
  })
}
