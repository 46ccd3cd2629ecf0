/** What an AG-UI 1.0 client sends (https://docs.ag-ui.com): loose about what is not used, strict about what is. */
import { t } from 'elysia'
import { text } from '../../http/text.ts'
import { clientTools, messageBody, messageLength, reasonLength } from './schema.ts'

const id = (description: string, example: string) =>
  text({ minLength: 1, maxLength: 256, description, examples: [example] })

/** Anything at all: what there is to say against it is said where it is used. */
const whatever = t.Optional(t.Any())

export const agUiBody = t.Object(
  {
    threadId: id('The chat: a UUID is its id, any other text stands for one of your chats', 'thread-1'),
    runId: id("The client's name for this request; comes back in the events", 'run-1'),
    messages: t.Array(
      t.Object({
        role: t.String(),
        id: whatever,
        content: whatever,
        toolCalls: whatever,
        toolCallId: whatever,
        error: whatever,
      }),
      {
        description:
          'The history is kept here: of these, the newest of the user is believed, and results of client tools that the run waits for',
        examples: [[{ id: 'message-1', role: 'user', content: 'What time is it in Shanghai?' }]],
      },
    ),
    tools: t.Optional(clientTools),
    context: t.Optional(
      t.Array(t.Object({ description: t.String(), value: t.String() }), {
        description: 'What the app tells the model of itself; the first 8000 characters are passed on',
        examples: [[]],
      }),
    ),
    resume: t.Optional(
      t.Array(
        t.Object({
          interruptId: t.String(),
          status: t.Union([t.Literal('resolved'), t.Literal('cancelled')]),
          payload: whatever,
        }),
        { description: 'Answers to interrupts', examples: [[]] },
      ),
    ),
  },
  { title: 'RunAgentInput' },
)

export type AgUiBody = typeof agUiBody.static

export const agUiQuery = t.Object({
  on_conflict: t.Optional(
    t.Union(messageBody.properties.on_conflict.anyOf, {
      description: 'As with a message. Left out, the new message ends what is being answered',
      examples: ['reject'],
    }),
  ),
  model: t.Optional(t.String({ description: 'One of GET /agent-chats/models', examples: ['demo'] })),
})

/** With files it may be without words. */
export const newMessage = (minLength: 0 | 1) =>
  t.Object({
    id: text({ minLength: 1, maxLength: 256 }),
    content: text({ minLength, maxLength: messageLength }),
  })

/** Of an image or a document; addresses are not fetched, and handles of other servers say nothing to ours. */
export const mediaPart = t.Object({
  source: t.Object({ type: t.Literal('data'), value: t.String() }),
  metadata: whatever,
})

/** What an interrupt asks for. Who edits a call's arguments must not find it carried out with the old ones. */
export const decision = t.Object({
  approved: t.Boolean(),
  reason: t.Optional(t.Nullable(text({ maxLength: reasonLength }))),
  editedArgs: t.Optional(t.Never()),
})

export const clientResult = t.Object({ content: t.String() })

export { checked } from '../../http/checked.ts'
