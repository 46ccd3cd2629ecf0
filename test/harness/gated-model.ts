/** A model API (Chat Completions, streaming) that says a first word to everybody, and the rest only when told. */
export function startGatedModel() {
  const gate = Promise.withResolvers<void>()
  let waiting = 0
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    fetch: () =>
      new Response(
        async function* () {
          yield chunk({ role: 'assistant', content: 'first ' })
          waiting++
          await gate.promise
          yield chunk({ content: 'last' })
          yield chunk({}, 'stop')
          yield 'data: [DONE]\n\n'
        },
        { headers: { 'content-type': 'text/event-stream' } },
      ),
  })
  return {
    environment: {
      OPENAI_BASE_URL: `http://127.0.0.1:${server.port}/v1`,
      OPENAI_API: 'chat',
      AGENT_MODEL: 'gated',
    },
    /** Answers that stand at the gate. */
    waiting: () => waiting,
    /** From now on all answers go to their end. */
    open: gate.resolve,
    stop: () => server.stop(true),
  }
}

const chunk = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({
    id: 'gated',
    object: 'chat.completion.chunk',
    created: 0,
    model: 'gated',
    choices: [{ index: 0, delta, finish_reason: finish }],
  })}\n\n`
