import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { startApp, type TestApp } from '../harness/app.ts'
import { startModel } from '../harness/model.ts'

type Person = Awaited<ReturnType<TestApp['newUser']>>

let model: Awaited<ReturnType<typeof startModel>>
let app: TestApp
let alice: Person
beforeAll(async () => {
  model = await startModel()
  model.says('hello', { content: 'Hi.' })
  model.says('my bio', { toolCalls: [{ name: 'update_my_profile', arguments: '{"bio":"x"}' }] })
  model.concludes('my bio', { content: 'Done.' })
  app = await startApp({
    ...model.environment('chat'),
    AGENT_MODEL: '',
    AGENT_MODELS: 'small, large, demo',
    AGENT_IMAGE_MODELS: 'large',
  })
  alice = await app.newUser()
})
afterAll(async () => {
  await app.stop()
  await model.stop()
})

const send = (body: object, path = '') => app.as(alice)('POST', `/agent-chats${path}`, body)
/** The name that the model API was called by last. */
const asked = () => (model.requests().at(-1)!.body as { model?: string }).model
const runOf = async ({ session_id, events }: { session_id: string; events: Array<{ run_id: string }> }) =>
  (await app.as(alice)('GET', `/agent-chats/${session_id}/runs/${events[0]!.run_id}`)).body

describe('models', () => {
  test('are listed, with the default, and those that take images', async () => {
    const { body } = await app.as(alice)('GET', '/agent-chats/models')
    expect(body).toEqual({
      models: [
        { id: 'small', default: true, images: false },
        { id: 'large', default: false, images: true },
        { id: 'demo', default: false, images: false },
      ],
    })
    expect((await app.call('GET', '/agent-chats/models')).status).toBe(401)
  })

  test('are chosen per message; the first where none is named', async () => {
    for (const [given, name] of [
      [undefined, 'small'],
      [null, 'small'],
      ['large', 'large'],
      ['small', 'small'],
    ]) {
      const { status, body } = await send({ message: 'hello', model: given })
      expect([status, asked(), (await runOf(body)).model]).toEqual([200, name!, name!])
    }
    const { body } = await send({ message: 'hello', model: 'demo' })
    expect(body.output).toContain('demonstration model')
  })

  test('are chosen anew where a message is answered again', async () => {
    const { session_id } = (await send({ message: 'hello', model: 'large' })).body
    const again = await send({ model: 'small' }, `/${session_id}/regenerate`)
    expect([again.status, asked(), (await runOf(again.body)).model]).toEqual([200, 'small', 'small'])
  })

  test('are chosen over the other wires as well', async () => {
    const parts = [{ type: 'text', text: 'hello' }]
    const id = crypto.randomUUID()
    const ui = { id, messages: [{ id: 'one', role: 'user', parts }], model: 'large' }
    expect([(await send(ui, '/ui')).status, asked()]).toEqual([200, 'large'])
    const again = { ...ui, trigger: 'regenerate-message', model: 'small' }
    expect([(await send(again, '/ui')).status, asked()]).toEqual([200, 'small'])
    const messages = [{ role: 'user', content: 'hello' }]
    const completion = await app.as(alice)('POST', '/openai/chat/completions', { model: 'large', messages })
    expect([completion.status, asked()]).toEqual([200, 'large'])
  })

  test('stay with their run when it waits, though the list changes', async () => {
    const { session_id, events } = (await send({ message: 'my bio', model: 'large' })).body
    const { run_id, interrupts } = events.at(-1)
    await app.stop({ keep: true })
    app = await startApp(
      { ...model.environment('chat'), AGENT_MODEL: '', AGENT_MODELS: 'small' },
      { dataDir: app.dataDir },
    )
    const approval = `/agent-chats/${session_id}/runs/${run_id}/approvals/${interrupts[0].id}`
    const { status } = await app.as(alice)(
      'POST',
      approval,
      { approved: true },
      { accept: 'text/event-stream' },
    )
    expect([status, asked()]).toEqual([200, 'large'])
  })

  test.each(['huge', 'Small', 'small ', 'gpt-5-mini'])('%j is none: 422, and nothing is kept', async name => {
    const session_id = crypto.randomUUID()
    const refused = {
      code: 'model_not_available',
      errors: [{ pointer: '/body/model', detail: expect.stringContaining('no such model') }],
    }
    const before = model.requests().length
    const answer = await send({ message: 'hello', model: name, session_id })
    expect(answer.status).toBe(422)
    expect(answer.body).toMatchObject(refused)
    const run = await send({ message: 'hello', session_id })
    expect(model.lastPrompt().filter(({ role }) => role === 'user')).toHaveLength(1)
    const again = await send({ model: name }, `/${run.body.session_id}/regenerate`)
    expect([again.status, again.body.code]).toEqual([422, 'model_not_available'])
    const message = { role: 'user', content: 'hello', parts: [{ type: 'text', text: 'hello' }] }
    for (const path of ['/openai/chat/completions', '/agent-chats/ui']) {
      const wire = await app.as(alice)('POST', path, { id: 'x', model: name, messages: [message] })
      expect([wire.status, wire.body.code]).toEqual([422, 'model_not_available'])
    }
    expect(model.requests().length).toBe(before + 1)
  })
})
