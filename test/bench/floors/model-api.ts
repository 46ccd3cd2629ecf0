/**
 * A model behind the Chat Completions API that costs next to nothing. It says a hundred words: one at once,
 * the others as soon as a fast model would have its second. Where the message says "hold the line" it says
 * half of them, and the other half after POST /go-on. GET / tells how many wait for that.
 */
const words = 100
const secondWordMs = 10
let waiting = 0
let gate = Promise.withResolvers<void>()

const frame = (delta: object, finish_reason: string | null = null) =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1700000000,
    model: 'bench',
    choices: [{ index: 0, delta, finish_reason }],
  })}\n\n`

const word = frame({ content: 'word ' })
const end = `${frame({}, 'stop')}data: [DONE]\n\n`

async function* answer(waits: boolean) {
  yield frame({ role: 'assistant', content: 'word ' })
  for (let i = 1; i < words; i++) {
    if (i === 1) await Bun.sleep(secondWordMs)
    if (waits && i === words / 2) await wait()
    yield word
  }
  yield end
}

async function wait(): Promise<void> {
  waiting++
  await gate.promise
  waiting--
}

Bun.serve({
  hostname: '127.0.0.1',
  port: Bun.env.PORT,
  idleTimeout: 0,
  routes: {
    '/': () => Response.json(waiting),
    '/go-on': () => {
      gate.resolve()
      gate = Promise.withResolvers()
      return new Response()
    },
    '/v1/chat/completions': async request => {
      const waits = (await request.text()).includes('hold the line')
      return new Response(answer(waits), { headers: { 'content-type': 'text/event-stream' } })
    },
  },
})
