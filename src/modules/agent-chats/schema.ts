import { t } from 'elysia'
import { text } from '../../http/text.ts'
import { exampleAnswer } from './example.ts'

export const messageBody = t.Object(
  {
    message: text({ minLength: 1, maxLength: 8000, examples: ['What time is it in Shanghai?'] }),
    session_id: t.Optional(
      t.Nullable(t.String({ format: 'uuid' }), {
        description: 'The chat to go on with; left out or null, a new one begins',
      }),
    ),
  },
  { title: 'Message' },
)

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
