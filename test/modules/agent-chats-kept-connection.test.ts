import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startApp, type TestApp } from '../harness/app.ts'
import { end, word } from '../harness/model.ts'

let model: Server
let app: TestApp
let closed = 0
beforeAll(async () => {
  const used = new WeakSet<object>()
  // It closes a kept connection just when that is used again, as a server does whose patience has run out.
  model = createServer((request, response) => {
    if (used.has(request.socket)) {
      closed++
      request.socket.destroy()
      return
    }
    used.add(request.socket)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end(word('here') + end)
  })
  await new Promise<void>(resolve => model.listen(0, '127.0.0.1', resolve))
  const { port } = model.address() as AddressInfo
  app = await startApp({ OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`, AGENT_MODEL: 'm' })
})
afterAll(async () => {
  await app.stop()
  model.close()
})

test('a kept connection that the model API has closed fails no message', async () => {
  const alice = await app.newUser()
  for (let n = 0; n < 6; n++) {
    const { status, body } = await app.as(alice)('POST', '/agent-chats', { message: 'hello' })
    expect([status, body.output]).toEqual([200, 'here'])
  }
  expect(closed).toBeGreaterThan(0)
})
