/**
 * A model behind the Chat Completions API that costs next to nothing. It says forty words: one at once, the
 * others 10 ms later. Where the message says "hold the line" it says a word every 100 ms, holds the stream
 * open after half of them, and says the others after POST /go-on. GET / tells how many streams it holds.
 */
const words = 40
let held = 0
let gate = Promise.withResolvers<void>()

const frame = (delta: object, finish_reason: string | null = null) =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1700000000,
    model: 'bench',
    choices: [{ index: 0, delta, finish_reason }],
  })}\n\n`

const firstWord = frame({ role: 'assistant', content: 'word ' })
const word = frame({ content: 'word ' })
const end = `${frame({}, 'stop')}data: [DONE]\n\n`

async function* answer() {
  yield firstWord
  await Bun.sleep(10)
  yield word.repeat(words - 1) + end
}

async function* slowAnswer() {
  yield firstWord
  for (let i = 1; i < words; i++) {
    await Bun.sleep(100)
    if (i === words / 2) await hold()
    yield word
  }
  yield end
}

async function hold(): Promise<void> {
  held++
  await gate.promise
  held--
}

Bun.serve({
  hostname: '127.0.0.1',
  port: Bun.env.PORT,
  idleTimeout: 0,
  routes: {
    '/': () => Response.json(held),
    '/go-on': () => {
      gate.resolve()
      gate = Promise.withResolvers()
      return new Response()
    },
    '/v1/chat/completions': async request => {
      const isSlow = (await request.text()).includes('hold the line')
      return new Response(isSlow ? slowAnswer() : answer(), {
        headers: { 'content-type': 'text/event-stream' },
      })
    },
  },
})
