import type { TSchema } from '@sinclair/typebox'
import { t } from 'elysia'
import { text } from '../../http/text.ts'
import { attachmentRules } from '../../limits.ts'
import { tokensView } from '../usage/schema.ts'
import { exampleAnswer, exampleAttachment, exampleIds, exampleRun } from './example.ts'

/** In characters. */
export const messageLength = 8000
export const reasonLength = 1000

export const idOfMessage = { minLength: 1, maxLength: 64, pattern: '^[\\w-]+$' }
const messageId = t.String(idOfMessage)
const id = (example: string) => t.String({ format: 'uuid', examples: [example] })
const chatId = id(exampleIds.session_id)
const runId = id(exampleIds.run_id)

export const chatParams = t.Object({ session_id: chatId })
export const runParams = t.Object({ session_id: chatId, run_id: runId })
const callId = id('019e18ee-7b52-7000-8e01-5d2c7b9a4f66')
export const approvalParams = t.Object({ session_id: chatId, run_id: runId, approval_id: callId })
export const callParams = t.Object({ session_id: chatId, run_id: runId, call_id: callId })
export const attachmentParams = t.Object({ session_id: chatId, attachment_id: id(exampleAttachment.id) })

export const idempotent = t.Object({
  'idempotency-key': t.Optional(
    text({
      minLength: 1,
      maxLength: 255,
      examples: ['7d0f1c52-3a5e-4d0b-9c2b-2f6c1d0e8a77'],
      description: 'Sent again within a day, with the same body, the answer is that of the same run',
    }),
  ),
})

const eventId = (description: string) => t.String({ pattern: '^\\d{1,15}$', description, examples: ['42'] })

export const resumeHeaders = t.Object({
  'last-event-id': t.Optional(eventId('The id of the last event that arrived')),
})
export const resumeQuery = t.Object({
  after: t.Optional(eventId('The same, for those who cannot set the header')),
})

export const clientTool = t.Object({
  name: t.String({ pattern: '^[\\w-]{1,64}$' }),
  description: t.Optional(text({ maxLength: 4000 })),
  parameters: t.Optional(t.Record(t.String(), t.Unknown(), { description: 'A JSON Schema' })),
})

export const clientTools = t.Array(clientTool, {
  maxItems: 64,
  description: "The client's own. A call of one ends the answer for now; its result lets it go on",
  examples: [[]],
})

const { count, bytes } = attachmentRules

const attachments = t.Nullable(
  t.Array(
    t.Object({
      name: t.Optional(t.Nullable(t.String(), { description: 'Folders before it are left off' })),
      data: t.String({
        pattern: '^data:',
        description:
          'A data URL in base64, as `data:text/plain;base64,SGVsbG8=`. What it says of the type is not believed',
      }),
    }),
    {
      maxItems: count,
      description: `Images (PNG, JPEG, GIF, WebP) and texts in UTF-8, at most ${bytes / 1024 / 1024} MiB in all. Left out \
beside \`replaces\`, they are those of the message replaced`,
    },
  ),
)

export const messageBody = t.Object(
  {
    message: text({ minLength: 1, maxLength: messageLength, examples: ['What time is it in Shanghai?'] }),
    session_id: t.Optional(
      t.Nullable(t.String({ format: 'uuid' }), {
        description: 'The chat to go on with; left out or null, a new one begins',
      }),
    ),
    message_id: t.Optional(
      t.Nullable(messageId, { description: 'An id of your own for the message, new to the chat' }),
    ),
    model: t.Optional(
      t.Nullable(text({ minLength: 1, maxLength: 200 }), {
        description: 'One of GET /agent-chats/models; left out or null, the default',
      }),
    ),
    on_conflict: t.Optional(
      t.Union([t.Literal('reject'), t.Literal('enqueue'), t.Literal('interrupt')], {
        description:
          'Where the chat is still answering: 409, wait for its end, or end it. Left out, it is 409',
      }),
    ),
    replaces: t.Optional(
      t.Nullable(messageId, {
        description:
          'A message of the user in this chat that this one comes instead of; it stays as a sibling',
      }),
    ),
    tools: t.Optional(clientTools),
    attachments: t.Optional(attachments),
  },
  { title: 'Message' },
)

const { attachments: _, tools: _tools, ...fields } = messageBody.properties

/** For the API reference: the same message, as it is read off a form, which has no place for tools, and no null. */
export const messageForm = t.Object({
  ...Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, withoutNull(field)])),
  attachments: t.Optional(
    t.Array(t.String({ contentMediaType: 'application/octet-stream' }), {
      maxItems: count,
      description: 'Files, under this name or any other',
    }),
  ),
})

function withoutNull(field: TSchema): TSchema {
  const [only, ...others] = (field.anyOf ?? []).filter(({ type }: TSchema) => type !== 'null')
  return only && others.length === 0 ? t.Optional({ ...only, description: field.description }) : field
}

const nullable = (description?: string) => t.Nullable(t.String(), { description })

/** The contract's members are on every event; those below the line are ours, and only where they apply. */
export const eventView = t.Object(
  {
    type: t.String({
      description: 'An event type of the AG-UI protocol',
      examples: ['TEXT_MESSAGE_CONTENT'],
    }),
    run_id: nullable(),
    message_id: nullable(),
    delta: nullable('On TEXT_MESSAGE_CONTENT: the next piece of the text'),
    tool_name: nullable('On TOOL_CALL_START and TOOL_CALL_RESULT'),
    result: nullable('On TOOL_CALL_RESULT: what the tool gave, as JSON'),
    output: nullable('On RUN_FINISHED: the text of the last message'),
    error: nullable(
      'On RUN_ERROR, and on the TOOL_CALL_RESULT of a tool that failed: a sentence for the person',
    ),
    // ---
    outcome: t.Optional(
      t.Literal('interrupt', {
        description: 'On RUN_FINISHED: the run waits, and goes on when it is answered',
      }),
    ),
    interrupts: t.Optional(
      t.Array(
        t.Object({
          id: t.String({ description: 'To answer it by' }),
          tool_call_id: t.String(),
          tool_name: t.String(),
          waits_for: t.Union([t.Literal('approval'), t.Literal('client')]),
        }),
        { description: 'Beside outcome: the tool calls that wait' },
      ),
    ),
    session_id: t.Optional(t.String({ description: 'On RUN_STARTED: the chat' })),
    tool_call_id: t.Optional(t.String({ description: 'On every TOOL_CALL event' })),
    args: t.Optional(t.String({ description: "On TOOL_CALL_ARGS: the next piece of the call's JSON" })),
    reasoning: t.Optional(t.String({ description: 'On REASONING_MESSAGE_CONTENT: the next piece' })),
    code: t.Optional(
      t.String({
        description:
          'Beside error: its stable code; tool_failed, tool_timeout, invalid_tool_call and any of this route',
      }),
    ),
  },
  { title: 'Event' },
)

export type EventView = typeof eventView.static

export const answerView = t.Object(
  {
    session_id: t.String({ format: 'uuid' }),
    output: t.String({ description: 'The text of the last message' }),
    events: t.Array(eventView),
  },
  { title: 'Answer', description: 'The run, ended', examples: [exampleAnswer] },
)

export type AnswerView = typeof answerView.static

export const againBody = t.Object(
  {
    message_id: t.Optional(
      t.Nullable(messageId, {
        description: 'The message to answer again, or one of its answer; left out, the newest',
      }),
    ),
    model: messageBody.properties.model,
    on_conflict: messageBody.properties.on_conflict,
    tools: messageBody.properties.tools,
  },
  { title: 'Regeneration', examples: [{}] },
)

export const attachmentView = t.Object(
  {
    id: t.String({ format: 'uuid' }),
    name: t.String(),
    type: t.String({ description: 'What its bytes are' }),
    bytes: t.Number(),
  },
  { title: 'Attachment', examples: [exampleAttachment] },
)

/** Streams are not checked against it: it is for the API reference. */
export const fileBytes = t.Any({ description: 'The file' })
export const eventFrames = t.Any({ description: 'The events, a frame each' })
export const nothingMore = t.Void({ description: 'The run has ended, and all of it has arrived' })

export const approvalBody = t.Object(
  {
    approved: t.Boolean({ examples: [true] }),
    reason: t.Optional(t.Nullable(text({ maxLength: reasonLength, description: 'For the model' }))),
  },
  { title: 'Approval' },
)

export const resultBody = t.Object(
  {
    result: t.String({
      description: 'For the model, which gets 16384 characters of it',
      examples: ['shown'],
    }),
    failed: t.Optional(t.Boolean({ description: 'Whether the result says why there is none' })),
  },
  { title: 'ToolResult' },
)

export const runStatus = t.Union([
  t.Literal('queued'),
  t.Literal('running'),
  t.Literal('waiting'),
  t.Literal('finished'),
  t.Literal('failed'),
  t.Literal('cancelled'),
])

export const runView = t.Object(
  {
    id: t.String({ format: 'uuid' }),
    session_id: t.String({ format: 'uuid' }),
    status: runStatus,
    model: t.Nullable(t.String()),
    message_id: t.Nullable(t.String({ description: 'The message it answers' })),
    answer_id: t.Nullable(t.String({ description: 'The first message of its answer' })),
    error: t.Nullable(t.Object({ code: t.String(), detail: t.String() })),
    interrupts: eventView.properties.interrupts,
    usage: tokensView,
    started_at: t.String({ format: 'date-time' }),
    ended_at: t.Nullable(t.String({ format: 'date-time' })),
  },
  { title: 'Run', description: 'How the run stands', examples: [exampleRun] },
)

export type RunView = typeof runView.static

export const modelsView = t.Object(
  {
    models: t.Array(
      t.Object({
        id: t.String({ examples: ['gpt-5-mini'] }),
        default: t.Boolean({ examples: [true] }),
        images: t.Boolean({ description: 'Whether it takes images', examples: [true] }),
      }),
    ),
  },
  {
    title: 'Models',
    description: 'The models',
    examples: [{ models: [{ id: 'gpt-5-mini', default: true, images: true }] }],
  },
)
