/**
 * A model behind the Chat Completions API that costs next to nothing. It does as the message says: "40 words, 39 at
 * once, every 10 ms", which is what it does anyhow. The first word comes at once. After "of 1000 characters" its
 * words are as long, and with "hold after 20" it holds the stream open after so many until POST /go-on. GET / tells
 * how many streams it holds.
 */
let held = 0
let gate = Promise.withResolvers<void>()

const order =
  /(?<words>\d+) words(?: of (?<length>\d+) characters)?(?:, (?<atOnce>\d+) at once)?(?:, every (?<everyMs>\d+) ms)?(?:, hold after (?<holdAfter>\d+))?/

type Speech = { words: number; length: number; atOnce: number; everyMs: number; holdAfter: number }

function speechOf(message: string): Speech {
  const said = order.exec(message)?.groups ?? { words: '40', atOnce: '39', everyMs: '10' }
  const { words, length = 5, atOnce = 1, everyMs = 0, holdAfter = 0 } = said
  return {
    words: Number(words),
    length: Number(length),
    atOnce: Number(atOnce),
    everyMs: Number(everyMs),
    holdAfter: Number(holdAfter),
  }
}

const frame = (delta: object, finish_reason: string | null = null) =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1700000000,
    model: 'bench',
    choices: [{ index: 0, delta, finish_reason }],
  })}\n\n`

async function* answer({ words, length, atOnce, everyMs, holdAfter }: Speech) {
  const content = 'word'.padEnd(length - 1, '.').concat(' ')
  const word = frame({ content })
  const breath = word.repeat(atOnce)
  yield frame({ role: 'assistant', content })
  for (let said = 1; said < words; said += atOnce) {
    if (said === holdAfter) {
      await hold()
      // Or all would go on in the same millisecond.
      await Bun.sleep(Math.random() * everyMs)
    }
    if (everyMs) await Bun.sleep(everyMs)
    yield words - said < atOnce ? word.repeat(words - said) : breath
  }
  yield `${frame({}, 'stop')}data: [DONE]\n\n`
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
    '/v1/chat/completions': async request =>
      new Response(answer(speechOf(await request.text())), {
        headers: { 'content-type': 'text/event-stream' },
      }),
  },
})
