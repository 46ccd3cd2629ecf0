/** What of OpenAI's Chat Completions API is understood; all else a client sends is ignored. */
import { t } from 'elysia'
import { text } from '../../http/text.ts'
import { clientTool } from './schema.ts'

const parts = t.Array(
  t.Object({
    type: t.String(),
    text: t.Optional(t.String()),
    image_url: t.Optional(t.Object({ url: t.String({ description: 'A data URL; no address is fetched' }) })),
    file: t.Optional(t.Object({ filename: t.Optional(t.String()), file_data: t.Optional(t.String()) })),
  }),
  { maxItems: 100 },
)

const toolCall = t.Object({
  id: t.String(),
  type: t.Literal('function'),
  function: t.Object({ name: t.String(), arguments: t.String() }),
})

const message = t.Object({
  role: t.Union([
    t.Literal('system'),
    t.Literal('developer'),
    t.Literal('user'),
    t.Literal('assistant'),
    t.Literal('tool'),
  ]),
  content: t.Optional(t.Nullable(t.Union([t.String(), parts]))),
  tool_calls: t.Optional(t.Array(toolCall, { maxItems: 100 })),
  tool_call_id: t.Optional(t.String()),
})

export const completionBody = t.Object(
  {
    model: t.Optional(
      text({ maxLength: 200, description: 'One of GET /openai/models; "parley" is the default' }),
    ),
    messages: t.Array(message, { minItems: 1, maxItems: 2000 }),
    stream: t.Optional(t.Nullable(t.Boolean())),
    stream_options: t.Optional(t.Nullable(t.Object({ include_usage: t.Optional(t.Boolean()) }))),
    tools: t.Optional(
      t.Array(
        t.Object({
          type: t.Literal('function'),
          function: clientTool,
        }),
        { maxItems: 64, description: "The client's own tools: calls of them end the answer with tool_calls" },
      ),
    ),
  },
  {
    title: 'ChatCompletionRequest',
    examples: [{ model: 'parley', messages: [{ role: 'user', content: 'What time is it in Shanghai?' }] }],
  },
)

export type CompletionRequest = typeof completionBody.static

const usage = t.Object({
  prompt_tokens: t.Number(),
  completion_tokens: t.Number(),
  total_tokens: t.Number(),
  prompt_tokens_details: t.Object({ cached_tokens: t.Number() }),
  completion_tokens_details: t.Object({ reasoning_tokens: t.Number() }),
})

export const exampleCompletion = {
  id: '019e18ee-7aa1-7000-9a51-5b8d0e6a7c22',
  object: 'chat.completion',
  created: 1795341600,
  model: 'gpt-5-mini',
  session_id: '019e18ee-7aa0-7001-8c6e-3f1f6a0c2d11',
  choices: [
    {
      index: 0,
      finish_reason: 'stop',
      message: { role: 'assistant', content: 'It is six in the evening in Shanghai.', refusal: null },
    },
  ],
  usage: {
    prompt_tokens: 512,
    completion_tokens: 24,
    total_tokens: 536,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0 },
  },
}

export const completionView = t.Object(
  {
    id: t.String({ description: "The run's id" }),
    object: t.Literal('chat.completion'),
    created: t.Number({ description: 'Seconds since 1970' }),
    model: t.String(),
    session_id: t.String({ format: 'uuid', description: 'The chat' }),
    choices: t.Array(
      t.Object({
        index: t.Literal(0),
        finish_reason: t.Union([t.Literal('stop'), t.Literal('tool_calls')]),
        message: t.Object({
          role: t.Literal('assistant'),
          content: t.Nullable(t.String()),
          refusal: t.Null(),
          reasoning_content: t.Optional(t.String()),
          tool_calls: t.Optional(t.Array(toolCall)),
        }),
      }),
    ),
    usage,
  },
  {
    title: 'ChatCompletion',
    description: 'The answer',
    examples: [exampleCompletion],
  },
)

export type CompletionView = typeof completionView.static

export const modelsView = t.Object(
  {
    object: t.Literal('list'),
    data: t.Array(
      t.Object({
        id: t.String(),
        object: t.Literal('model'),
        created: t.Number(),
        owned_by: t.String(),
      }),
    ),
  },
  {
    title: 'ModelList',
    description: 'The models',
    examples: [{ object: 'list', data: [{ id: 'parley', object: 'model', created: 0, owned_by: 'parley' }] }],
  },
)
