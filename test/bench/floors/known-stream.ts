/**
 * Streams that are known, to check their readers by: 40 words, the first 20 ms after the request, one every 50 ms.
 * GET / tells how many words were said, and how long after its request each first one in truth.
 */
const firstWordsMs: number[] = []
let words = 0

async function* answer(asked: number) {
  await Bun.sleep(20)
  for (let said = 0; said < 40; said++) {
    if (said === 0) firstWordsMs.push(performance.now() - asked)
    else await Bun.sleep(50)
    words++
    yield 'data: word\n\n'
  }
}

export type Known = { words: number; firstWordsMs: number[] }

Bun.serve({
  hostname: '127.0.0.1',
  port: Bun.env.PORT,
  idleTimeout: 0,
  fetch: request =>
    request.method === 'POST'
      ? new Response(answer(performance.now()), { headers: { 'content-type': 'text/event-stream' } })
      : Response.json({ words, firstWordsMs } satisfies Known),
})
