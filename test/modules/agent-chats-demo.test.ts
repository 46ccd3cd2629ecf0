import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { demoModel } from '../../src/modules/agent-chats/models/demo.ts'
import type { EventView } from '../../src/modules/agent-chats/schema.ts'
import { startApp, type TestApp } from '../harness/app.ts'
import { openEventStream } from '../harness/event-stream.ts'

type Person = Awaited<ReturnType<TestApp['newUser']>>

let app: TestApp
let alice: Person
beforeAll(async () => {
  app = await startApp({ AGENT_MAX_RUNS: '100' })
  alice = await app.newUser({ username: 'Alice' })
  await app.newUser({ username: 'bob_42' })
  await app.as(alice)('PATCH', '/users/me', { bio: 'likes cats' })
})
afterAll(() => app.stop())

const send = (message: string, session_id?: string) =>
  app.as(alice)('POST', '/agent-chats', { message, session_id })

/** Asked in a chat that has begun already. */
async function ask(message: string): Promise<{ output: string; tools: string[] }> {
  const { session_id } = (await send('hi')).body
  const { output, events } = (await send(message, session_id)).body
  const started = events.filter(({ type }: EventView) => type === 'TOOL_CALL_START')
  return { output, tools: started.map(({ tool_name }: EventView) => tool_name) }
}

// Its words take their time: all at once.
describe.concurrent('the demonstration model', () => {
  test('says at the beginning of a chat, and only there, what it is and which setting to change', async () => {
    const first = (await send('hello')).body
    expect(first.output).toContain('demonstration model')
    expect(first.output).toContain('OPENAI_API_KEY')
    const second = (await send('hello again', first.session_id)).body
    expect(second.output).toBe('You said: "hello again". This is your message number 2 in this chat.')
  })

  test('answers in the language it is asked in', async () => {
    expect((await send('你好')).body.output).toMatch(/^我是 Parley 内置的演示模型.*“你好”/s)
    expect((await ask('今天天气不错')).output).toBe(
      '你说的是：“今天天气不错”。这是你在本次对话中的第 2 条消息。',
    )
  })

  test('says what it is before it uses a tool, when that is the first it is asked', async () => {
    const { output, events } = (await send('who am I?')).body
    const said = events.map(({ delta }: EventView) => delta ?? '').join('')
    expect(said).toStartWith('I am the demonstration model')
    expect(output).toBe('You are Alice. Bio: likes cats')
  })

  test.each([
    ['set my bio to I love tea', true, 'You are {me}. Bio: I love tea'],
    ['把我的简介改成爱喝茶', true, '你是 {me}。简介：爱喝茶'],
    ['change my bio to nothing', false, 'The tool update_my_profile gave no result. You did not allow this.'],
  ])('%s: asks first; approved: %p', async (message, approved, output) => {
    const bob = await app.newUser()
    const as = app.as(bob)
    const { session_id } = (await as('POST', '/agent-chats', { message: 'hi' })).body
    const { events } = (await as('POST', '/agent-chats', { message, session_id })).body
    const { run_id, interrupts } = events.at(-1)
    const answer = `/agent-chats/${session_id}/runs/${run_id}/approvals/${interrupts[0].id}`
    const rest = await as('POST', answer, { approved }, { accept: 'text/event-stream' })
    expect(rest.body).toContain(`"output":${JSON.stringify(output.replace('{me}', bob.username))}`)
  })

  const asked: Array<[message: string, tool: string, output: RegExp]> = [
    ['What time is it?', 'current_time', /^It is \d{4}-\d\d-\d\d \d\d:\d\d:\d\d in the time zone UTC\.$/],
    ['what is the time in Asia/Tokyo please', 'current_time', /in the time zone Asia\/Tokyo\.$/],
    ['现在几点？', 'current_time', /^现在是 .*（UTC 时间）。$/],
    ['纽约现在几点 America/New_York', 'current_time', /America\/New_York/],
    ['what time is it in Mars/Olympus', 'current_time', /^The tool current_time gave no result\. /],
    ['show me my profile', 'get_my_profile', /^You are Alice\. Bio: likes cats$/],
    ['我的资料', 'get_my_profile', /^你是 Alice。简介：likes cats$/],
    ['find user BOB_42', 'find_user', /^I found the user bob_42\.$/],
    ['please look up @bob_42', 'find_user', /^I found the user bob_42\.$/],
    ['查找用户 bob_42', 'find_user', /^找到了用户 bob_42。$/],
    ['find user nobody_here', 'find_user', /^The tool find_user gave no result\. There is no such user\.$/],
    ['查找用户 nobody_here', 'find_user', /^工具 find_user 没有给出结果：用户不存在。$/],
  ]
  test.each(asked)('%s: uses %s', async (message, tool, output) => {
    const answer = await ask(message)
    expect([answer.tools, answer.output]).toEqual([[tool], expect.stringMatching(output)])
  })

  test.each(['I had a great time', 'finding my way', 'the profile of a mountain', '我喜欢时钟'])(
    '%s: uses no tool',
    async message => {
      expect((await ask(message)).tools).toEqual([])
    },
  )

  test('streams word by word, with a pause after each', async () => {
    const { rest } = await openEventStream(app.url, alice.access_token, { message: '你好' })
    const words = (await rest()).filter(({ event }) => event.type === 'TEXT_MESSAGE_CONTENT')
    expect(words.length).toBeGreaterThan(30)
    expect(words.at(-1)!.at - words[0]!.at).toBeGreaterThan(words.length * 10)
  })

  test('has no tools where none are offered, and stops when told', async () => {
    const model = demoModel()
    const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'what time is it' }] }]
    const { content, finishReason } = await model.doGenerate({ prompt })
    expect([content.map(({ type }) => type), finishReason.unified]).toEqual([['text'], 'stop'])
    const stop = new AbortController()
    const { stream } = await model.doStream({ prompt, abortSignal: stop.signal })
    const reader = stream.getReader()
    await reader.read()
    stop.abort()
    await expect(reader.read().then(() => reader.read())).rejects.toThrow('abort')
  })
})
