import { Elysia } from 'elysia'
import type { Guard } from '../../http/guard.ts'
import { badBody, describe, largeBody, problems } from '../../http/openapi.ts'
import { anyModel, type Completions } from './completions.ts'
import * as schema from './openai-schema.ts'
import { badAttachments, failuresOfARun, noPlace } from './routes.ts'
import type { AnswerTo } from './wires/answer-to.ts'
import { completion, openaiWire } from './wires/openai.ts'
import { eventStream } from './wires/stream.ts'

/** For clients of OpenAI's Chat Completions, with an access token for their key. */
export const openaiRoutes = (completions: Completions, models: string[], answerTo: AnswerTo, guard: Guard) =>
  new Elysia({ prefix: '/api/v1/openai', tags: ['OpenAI'] })
    .use(guard)
    .post(
      '/chat/completions',
      ({ body, caller, request }) => {
        const started = completions.start(caller.userId, body)
        // The request is there as long as its answer, and would hold the files of all of them.
        body.messages = []
        const isAlive = answerTo.isAlive(caller)
        const locale = answerTo.locale(request)
        if (!body.stream) return started.then<schema.CompletionView>(run => completion(run, locale, isAlive))
        const withUsage = body.stream_options?.include_usage === true
        return started.then<Response>(run => {
          const reading = { run, wire: openaiWire(run, locale, withUsage), isAlive, after: run.legStart }
          return eventStream(reading, { 'x-session-id': run.chatId, 'x-run-id': run.id })
        })
      },
      {
        signedIn: true,
        body: schema.completionBody,
        response: {
          200: schema.completionView,
          ...problems(
            'unauthenticated',
            'chat_not_found',
            'call_not_found',
            'call_answered',
            'model_not_available',
            ...badBody,
            ...badAttachments,
            ...largeBody,
            ...noPlace,
            ...failuresOfARun,
          ),
        },
        detail: describe(
          'createChatCompletion',
          'Chat Completions',
          `For clients of OpenAI's API, unchanged: this server's \`/api/v1/openai\` as base URL, an access token as \
key. The agent answers, with its own tools; calls of the client's \`tools\` end the answer with \`tool_calls\`. The \
conversation is found again by what was said in it, and kept as a chat (\`session_id\`). With \`stream\` the answer \
comes in chunks, and a failure in mid-answer as a chunk with \`error\`; a problem document bears \`error\` as well.`,
          exampleChunks(),
        ),
      },
    )
    .get('/models', () => ({ object: 'list' as const, data: [anyModel, ...models].map(modelView) }), {
      signedIn: true,
      response: { 200: schema.modelsView, ...problems('unauthenticated') },
      detail: describe('listOpenaiModels', 'Models, as OpenAI lists them'),
    })

/** As wires/openai.ts sends them. */
function exampleChunks(): string {
  const { choices, usage: _, ...head } = schema.exampleCompletion
  const { role, content } = choices[0]!.message
  const chunks = [
    { delta: { role, content: '' }, logprobs: null, finish_reason: null },
    { delta: { content }, logprobs: null, finish_reason: null },
    { delta: {}, logprobs: null, finish_reason: 'stop' },
  ].map(choice => ({ ...head, object: 'chat.completion.chunk', choices: [{ index: 0, ...choice }] }))
  return [...chunks.map(chunk => JSON.stringify(chunk)), '[DONE]'].map(data => `data: ${data}\n\n`).join('')
}

const modelView = (id: string) => ({ id, object: 'model' as const, created: 0, owned_by: 'parley' })
