/** What of an answer stays, and what its steps hand on. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readConfig } from '../../src/config.ts'
import { AppError } from '../../src/errors.ts'
import { type Agent, openAgent } from '../../src/modules/agent-chats/agent.ts'
import { answerOf } from '../../src/modules/agent-chats/answer.ts'
import type { RunEvent } from '../../src/modules/agent-chats/events.ts'
import { Run } from '../../src/modules/agent-chats/run.ts'
import type { ClientTool, Paused } from '../../src/modules/agent-chats/store.ts'
import { startApp, type TestApp } from '../harness/app.ts'
import { apis, end, line, speech, startRawModel, toolCalls, word } from '../harness/model.ts'

const call = (toolCallId: string, args: string): RunEvent[] => [
  { type: 'TOOL_CALL_START', messageId: 'a', toolCallId, toolName: 'look' },
  { type: 'TOOL_CALL_ARGS', of: toolCallId, text: args },
  { type: 'TOOL_CALL_END', toolCallId },
]
const result = (toolCallId: string, failure: AppError | null = null): RunEvent => ({
  type: 'TOOL_CALL_RESULT',
  messageId: `r-${toolCallId}`,
  toolCallId,
  toolName: 'look',
  result: failure ? null : 'found',
  failure: failure?.failure ?? null,
})
const kept = (toolCallId: string, input: unknown) => ({
  type: 'tool-call',
  toolCallId,
  toolName: 'look',
  input,
})

describe('what of an answer stays in the chat', () => {
  test('are calls with their results, and of those without one they alone that wait', () => {
    const events = [...call('one', '{"n":1}'), ...call('two', '{}'), ...call('three', '{}'), result('one')]
    const [message, ...results] = answerOf(events, ['three']).map(({ message }) => message)
    expect(message?.content).toEqual([kept('one', { n: 1 }), kept('three', {})] as never)
    expect(results).toHaveLength(1)
    expect(answerOf(call('one', '{}'))).toEqual([])
  })

  test('is the failure of a call as a failure', () => {
    const events = [...call('one', '{}'), result('one', new AppError('user_not_found'))]
    expect(answerOf(events).at(-1)!.message.content).toEqual([
      {
        type: 'tool-result',
        toolCallId: 'one',
        toolName: 'look',
        output: { type: 'error-text', value: 'user_not_found' },
      },
    ])
  })

  test.each(['"text"', 'null', '7', '{"half'])('of arguments that are no object, %s, none', args => {
    const [message] = answerOf([...call('one', args), result('one')])
    expect(message!.message.content).toEqual([kept('one', {})] as never)
  })
})

describe('the steps of an answer', () => {
  const asksOnce = (name: string) =>
    async function* () {
      yield raw.requests.length > 1 ? word('Done.') + end : speech.chat.call(name, '{}')
    }
  const ownWord = speech.chat
    .call('get_my_profile', '{}')
    .replace('"finish_reason":"tool_calls"', '"finish_reason":"calls_made"')
  const raw = startRawModel({
    'look at me': asksOnce('get_my_profile'),
    'a word of its own': async function* () {
      yield raw.requests.length > 1 ? word('Done.') + end : ownWord
    },
    'pick and change': async function* () {
      yield toolCalls({ name: 'pick', args: '{"half' }, { name: 'update_my_profile', args: {} })
    },
    'look and change': async function* () {
      yield toolCalls({ name: 'get_my_profile', args: {} }, { name: 'update_my_profile', args: {} })
    },
    'change me': async function* () {
      yield word('As you like.') + end
    },
    'too much at once': async function* () {
      yield word('x'.repeat(5 * 1024 * 1024)) + end
    },
  })
  /** Slower than a model may be silent. */
  const slowly = async () => {
    await Bun.sleep(2300)
    return { id: 'alice', username: 'alice', avatar_url: null, bio: null }
  }
  let agent: Agent
  beforeAll(() => {
    const limits = { AGENT_FIRST_TOKEN_SECONDS: '2', AGENT_SILENCE_SECONDS: '2' }
    const config = readConfig({ ...raw.environment, ...limits })
    const people = { profile: slowly, find: slowly, change: slowly }
    const attachments = { attachment: async () => null }
    agent = openAgent(config, { people, budget: { check: () => {} }, attachments, now: Date.now })
  })
  afterAll(() => raw.stop())

  const answer = (message: string, paused: Paused | null = null, clientTools: ClientTool[] = []) => {
    raw.requests.length = 0
    const run = new Run({ chatId: 'chat', userId: 'alice', model: 'm' })
    const context = [{ role: 'user' as const, content: message }]
    const answered = agent.answer(run, { context, instructions: '', clientTools, paused })
    const types = () => run.transcript.events.map(({ type }) => type)
    return { run, answered, types }
  }

  test('take a tool at work for no silence of the model', async () => {
    const { run, answered } = answer('look at me')
    await answered
    expect([run.output, run.signal.aborted]).toEqual(['Done.', false])
  })

  test('end with the run: a tool that it interrupts has not failed, and the model is not asked again', async () => {
    const { run, answered, types } = answer('look at me')
    while (!types().includes('TOOL_CALL_END')) await Bun.sleep(5)
    run.abort(new AppError('run_cancelled'))
    await expect(answered).rejects.toMatchObject({ code: 'run_cancelled' })
    await Bun.sleep(2500)
    expect([types().includes('TOOL_CALL_RESULT'), raw.requests.length]).toEqual([false, 1])
  })

  test('are counted on where a call waits', async () => {
    const said = [{ role: 'assistant' as const, content: 'before' }]
    const before = { step: 3, said, calls: [], instructions: '', clientTools: [] }
    const paused = await answer('look and change', before).answered
    expect(paused).toMatchObject({
      step: 4,
      calls: [{ toolName: 'update_my_profile', waitsFor: 'approval' }],
    })
    expect(paused!.said[0]).toEqual(said[0]!)
  })

  test("wait for no call of the client's tool that cannot be read", async () => {
    const pick = { name: 'pick', description: '', parameters: { type: 'object' } }
    const paused = await answer('pick and change', null, [pick]).answered
    expect(paused!.calls.map(({ toolName }) => toolName)).toEqual(['update_my_profile'])
  })

  test('cost nothing where the run ends before the first', async () => {
    const { run, answered } = answer('look at me')
    run.abort(new AppError('run_cancelled'))
    await expect(answered).rejects.toMatchObject({ code: 'run_cancelled' })
    expect([run.spent, raw.requests]).toEqual([[], []])
  })

  test('end with the run, though another call would wait', async () => {
    const { run, answered, types } = answer('look and change')
    while (types().filter(type => type === 'TOOL_CALL_END').length < 2) await Bun.sleep(5)
    run.abort(new AppError('run_cancelled'))
    await expect(answered).rejects.toMatchObject({ code: 'run_cancelled' })
  })

  test('use the tools that are called, whatever word the model has for its end', async () => {
    const { run, answered, types } = answer('a word of its own')
    await answered
    expect([run.output, types().includes('TOOL_CALL_RESULT')]).toEqual(['Done.', true])
  })

  test('end in words where more were taken before a wait than are allowed now', async () => {
    const { toolCallId, toolName, input } = kept('held', {})
    const held = { id: 'held', toolCallId, toolName, input, waitsFor: 'approval' as const }
    const { run, answered } = answer('change me', {
      step: 1000,
      said: [{ role: 'assistant', content: [kept('held', {}) as never] }],
      calls: [{ ...held, answer: { approved: false } }],
      instructions: '',
      clientTools: [],
    })
    expect(await answered).toBe(null)
    expect([run.output, raw.requests.length, raw.requests[0]!.body.tools]).toEqual([
      'As you like.',
      1,
      undefined,
    ])
  })

  test('end with the run, though the model had said its last word', async () => {
    const { answered, types } = answer('too much at once')
    await expect(answered).rejects.toMatchObject({ code: 'answer_too_long' })
    expect(types()).toEqual([])
  })
})

describe.each(apis)('a call whose arguments are no object, over the %s API', api => {
  test.each(['"text"', '{"half', 'null', '7'])('%s, is handed back as one of none', async args => {
    const { begin, word, end, call } = speech[api]
    const raw = startRawModel(
      {
        go: async function* () {
          yield raw.requests.length > 1 ? begin + word('Done.') + end : call('current_time', args)
        },
      },
      api,
    )
    const app = await startApp(raw.environment)
    const { body } = await app.as(await app.newUser())('POST', '/agent-chats', { message: 'go' })
    await app.stop()
    await raw.stop()
    expect(body.output).toBe('Done.')
    const asked = JSON.stringify(raw.requests.at(-1)!.body)
    expect(asked).toMatch(/"arguments":"\{\}"/)
  })
})

describe('over the responses API', () => {
  const { begin, word, end, call } = speech.responses
  const theirs = { type: 'mcp_call', id: 'mcp_1', server_label: 'theirs', name: 'look', arguments: '{}' }
  const raw = startRawModel(
    {
      'look yourself': async function* () {
        yield begin +
          line({
            type: 'response.output_item.done',
            output_index: 0,
            item: { ...theirs, status: 'completed', output: 'found' },
          }) +
          word('I have looked.') +
          end
      },
      'change me twice': async function* () {
        yield call('update_my_profile', '{"bio":"first"}').replace(end, '')
        yield call('update_my_profile', '{"bio":"second"}')
      },
      'say nothing of it': async function* () {
        yield raw.requests.length > 1 ? begin + word('Done.') + end : call('current_time', '  ')
      },
    },
    'responses',
  )
  let app: TestApp
  beforeAll(async () => {
    app = await startApp(raw.environment)
  })
  afterAll(() => Promise.all([app.stop(), raw.stop()]))

  const answerTo = async (message: string) => {
    raw.requests.length = 0
    const user = await app.newUser()
    return (await app.as(user)('POST', '/agent-chats', { message })).body
  }

  test('what the provider carries out itself is no call of ours, and waits for nobody', async () => {
    const { output, events } = await answerTo('look yourself')
    expect(output).toBe('I have looked.')
    expect(events.map(({ type }: { type: string }) => type)).not.toContain('TOOL_CALL_START')
    expect(events.at(-1)).toMatchObject({ type: 'RUN_FINISHED' })
    expect(events.at(-1)).not.toHaveProperty('outcome')
  })

  test('of two calls with one id the first counts', async () => {
    const { events } = await answerTo('change me twice')
    expect(events.at(-1).interrupts).toHaveLength(1)
  })

  test('arguments of blanks are told as none', async () => {
    const { output, events } = await answerTo('say nothing of it')
    expect(output).toBe('Done.')
    expect(events).toContainEqual(expect.objectContaining({ type: 'TOOL_CALL_ARGS', args: '{}' }))
  })
})
