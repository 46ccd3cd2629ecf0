/** Members of a body that no schema names are ignored, whatever they are called. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { startApp, type TestApp } from './harness/app.ts'
import { end, startRawModel, word } from './harness/model.ts'

let model: ReturnType<typeof startRawModel>
let app: TestApp
let alice: Awaited<ReturnType<TestApp['newUser']>>
beforeAll(async () => {
  model = startRawModel({
    hello: async function* () {
      yield word('Hello') + end
    },
  })
  app = await startApp(model.environment)
  alice = await app.newUser()
})
afterAll(async () => {
  await app.stop()
  await model.stop()
})

const names = ['surplus', ...Object.getOwnPropertyNames(Object.prototype)]

describe.each(names)('a member called %s', name => {
  /** As text: an object literal has no member called __proto__. */
  const surplus = `${JSON.stringify(name)}:{"polluted":true}`
  const post = (path: string, ...members: string[]) =>
    app.as(alice)('POST', path, `{${[...members, surplus].join()}}`)

  test('is ignored', async () => {
    const { email, password } = alice
    const credentials = JSON.stringify({ email, password }).slice(1, -1)
    expect((await post('/auth/sessions', credentials)).status).toBe(200)
    expect((await post('/agent-chats', '"message":"hello"')).body.output).toBe('Hello')
    const changed = await app.as(alice)('PATCH', '/users/me', `{"bio":"${name}",${surplus}}`)
    expect([changed.status, changed.body.bio]).toEqual([200, name])
  })

  test('is ignored further down as well', async () => {
    const tools = `{"message":"hello","tools":[{"name":"show_map",${surplus}}]}`
    expect((await app.as(alice)('POST', '/agent-chats', tools)).status).toBe(200)
    const messages = `{"model":"parley","messages":[{"role":"user","content":"hello",${surplus}}]}`
    expect((await app.as(alice)('POST', '/openai/chat/completions', messages)).status).toBe(200)
  })

  test('is ignored in a form', async () => {
    const form = new FormData()
    form.append('message', 'hello')
    form.append(name, 'polluted')
    const answer = await fetch(`${app.url}/api/v1/agent-chats`, {
      method: 'POST',
      headers: { authorization: `Bearer ${alice.access_token}` },
      body: form,
    })
    expect(answer.status).toBe(200)
  })

  test('stays where it is what somebody calls theirs: in the JSON Schema of a tool', async () => {
    const parameters = `{"type":"object","properties":{${JSON.stringify(name)}:{"type":"string"}},${surplus}}`
    const tools = `"tools":[{"name":"show_map","parameters":${parameters}}]`
    expect((await post('/agent-chats', '"message":"hello"', tools)).status).toBe(200)
    const [tool] = model.requests.at(-1)!.body.tools as Array<{
      function: { name: string; parameters: object }
    }>
    const told = new Map(Object.entries(tool!.function.parameters))
    expect(told.get(name)).toEqual({ polluted: true })
    expect(Object.entries(told.get('properties'))).toEqual([[name, { type: 'string' }]])
  })

  test('changes nothing that other objects have', async () => {
    const before = Object.getOwnPropertyDescriptors(Object.prototype)
    await post('/agent-chats', '"message":"hello"', `"tools":[{"name":"show_map",${surplus}}]`)
    await post('/agent-chats', '"message":"hello"', `"constructor":{"prototype":{"polluted":true}}`)
    expect(Object.getOwnPropertyDescriptors(Object.prototype)).toEqual(before)
    expect('polluted' in {}).toBe(false)
  })
})

test('of a text that is no member, nothing is left out', async () => {
  const answer = await app.as(alice)('PATCH', '/users/me', { bio: '{"toString":1,"__proto__":{}}' })
  expect(answer.body.bio).toBe('{"toString":1,"__proto__":{}}')
})
