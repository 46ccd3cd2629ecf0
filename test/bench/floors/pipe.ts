/** The least an agent's server can be: Bun.serve, and the AI SDK's streamText piped to whoever asks. */
import { createOpenAI } from '@ai-sdk/openai'
import { createUIMessageStreamResponse, streamText, toUIMessageStream } from 'ai'

const model = createOpenAI({ baseURL: Bun.env.OPENAI_BASE_URL, apiKey: 'none' }).chat('bench')

Bun.serve({
  hostname: '127.0.0.1',
  port: Bun.env.PORT,
  idleTimeout: 0,
  routes: {
    '/': () => new Response('ok'),
    '/chat': async request => {
      const { message } = (await request.json()) as { message: string }
      const { stream } = streamText({ model, prompt: message, abortSignal: request.signal })
      return createUIMessageStreamResponse({ stream: toUIMessageStream({ stream }) })
    },
  },
})
