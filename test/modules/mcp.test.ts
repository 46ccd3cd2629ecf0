/** MCP servers as tools of the agent: real servers, real processes, through the front door. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readConfig } from '../../src/config.ts'
import { StartError } from '../../src/errors.ts'
import type { EventView } from '../../src/modules/agent-chats/schema.ts'
import { tools as ours } from '../../src/modules/agent-chats/tools/index.ts'
import { readServers } from '../../src/modules/agent-chats/tools/mcp/servers.ts'
import { openServices } from '../../src/services.ts'
import { startApp } from '../harness/app.ts'
import { captureLog } from '../harness/log.ts'
import {
  everythingProgram,
  isAlive,
  oddProgram,
  serversFile,
  startEverything,
  startForgetful,
  tidyServers,
} from '../harness/mcp.ts'
import { startModel } from '../harness/model.ts'

let model: Awaited<ReturnType<typeof startModel>>
beforeAll(async () => {
  model = await startModel()
})
afterAll(async () => {
  await model.stop()
  tidyServers()
})

/** A Parley with these servers, and somebody who talks to it. */
async function plugged(mcpServers: object, environment = {}) {
  const app = await startApp({
    ...model.environment('chat'),
    MCP_SERVERS: serversFile({ mcpServers }),
    ...environment,
  })
  const someone = await app.newUser()
  const health = async (): Promise<Record<string, { status: string; tools: number }>> =>
    (await app.call('GET', '/infra/health')).body.services.mcp
  const until = async (name: string, status: string) => {
    while ((await health())[name]?.status !== status) await Bun.sleep(20)
  }
  /** One message; what the model was offered with it. */
  async function offered(): Promise<string[]> {
    model.says('what is there', { content: 'This and that.' })
    const before = model.requests().length
    const { body } = await app.as(someone)('POST', '/agent-chats', { message: 'what is there' })
    expect(body.output).toBe('This and that.')
    return definitionsIn(model.requests()[before]!.body).map(({ function: { name } }) => name)
  }
  /** What a call gives: its TOOL_CALL_RESULT, and what the model was told of it. */
  async function use(name: string, args: object = {}) {
    const message = `use number ${++uses};`
    model.says(message, { toolCalls: [{ name, arguments: JSON.stringify(args) }] })
    model.concludes(message, { content: 'Done.' })
    const { body } = await app.as(someone)('POST', '/agent-chats', { message })
    const result: EventView = body.events.find(({ type }: EventView) => type === 'TOOL_CALL_RESULT')
    return { ...result, output: body.output, body, told: model.lastPrompt().at(-1)?.content }
  }
  return { app, someone, health, until, offered, use }
}
let uses = 0

type Offered = { function: { name: string; description: string; parameters: object } }
const definitionsIn = (body: unknown) => (body as { tools?: Offered[] }).tools ?? []

/** How the two ways to reach a server differ for a test. */
async function overStdio() {
  const { entry, pids } = everythingProgram()
  const kill = async () => void process.kill(pids().at(-1)!, 'SIGKILL')
  return { entry, kill, restart: async () => {}, stop: async () => {} }
}

describe.each([
  ['stdio', overStdio],
  ['streamable HTTP', startEverything],
] as const)('an MCP server over %s', (_, start) => {
  let server: Awaited<ReturnType<typeof startEverything | typeof overStdio>>
  let parley: Awaited<ReturnType<typeof plugged>>
  beforeAll(async () => {
    server = await start()
    parley = await plugged({ everything: server.entry })
  })
  afterAll(async () => {
    await parley.app.stop()
    await server.stop()
  })

  test('has its tools used by the model, which is told their schemas', async () => {
    expect(await parley.use('everything__echo', { message: '你好' })).toMatchObject({
      result: 'Echo: 你好',
      tool_name: 'everything__echo',
      error: null,
      told: 'Echo: 你好',
      output: 'Done.',
    })
    const echo = definitionsIn(model.requests().at(-1)!.body).find(
      ({ function: { name } }) => name === 'everything__echo',
    )
    expect(echo?.function).toMatchObject({
      description: 'Echoes back the input string',
      parameters: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] },
    })
  })

  test('has its tools beside ours', async () => {
    const names = await parley.offered()
    expect(names).toEqual(expect.arrayContaining([...ours.map(({ name }) => name), 'everything__get-sum']))
    expect(names.length).toBe(ours.length + (await parley.health()).everything!.tools)
  })

  test('tells the model all about a failure, and the client that there was one', async () => {
    const { result, code, error, told, body } = await parley.use('everything__echo', { massage: 7 })
    expect([result, code, error]).toEqual([null, 'tool_failed', 'The tool failed and gave no result.'])
    expect(told).toContain('expected string, received undefined at message')
    expect(JSON.stringify(body)).not.toContain('expected string')
  })

  test('names an image in words', async () => {
    const { result } = await parley.use('everything__get-tiny-image')
    expect(result).toMatch(/^Here's the image you requested:\n\[image, image\/png, \d+ bytes, not shown\]\n/)
  })

  test('gives texts of resources, and names what is no text', async () => {
    const ask = (resourceType: string) =>
      parley.use('everything__get-resource-reference', { resourceType, resourceId: 2 })
    expect((await ask('Text')).result).toContain('Resource 2: This is a plaintext resource')
    expect((await ask('Blob')).result).toContain('[resource, demo://resource/dynamic/blob/2, text/plain]')
    expect((await parley.use('everything__get-resource-links', { count: 1 })).result).toContain(
      'demo://resource/dynamic/blob/1',
    )
  })

  test('is listed in /infra/health', async () => {
    expect(await parley.health()).toEqual({ everything: { status: 'healthy', tools: expect.any(Number) } })
  })

  test('costs its tools when it dies, not the run, and is back by itself', async () => {
    await server.kill()
    // Before anybody noticed, perhaps.
    expect((await parley.use('everything__echo', { message: 'there?' })).output).toBe('Done.')
    await parley.until('everything', 'unhealthy')
    expect((await parley.app.call('GET', '/infra/health')).body.status).toBe('healthy')
    await server.restart()
    await parley.until('everything', 'healthy')
    expect((await parley.use('everything__echo', { message: 'again' })).result).toBe('Echo: again')
  })
})

describe('an HTTP server that has forgotten the session', () => {
  test('is connected to anew with the first call that fails', async () => {
    const server = startForgetful()
    const { app, use, until } = await plugged({ forgetful: server.entry })
    await until('forgetful', 'healthy')
    server.forget()
    expect((await use('forgetful__recall')).code).toBe('tool_failed')
    while ((await use('forgetful__recall')).result !== 'I do') await Bun.sleep(50)
    await app.stop()
    await server.stop()
  })
})

describe('a server that is down', () => {
  test('is missed by nobody: the run has the tools of the others', async () => {
    const unreachable = { command: 'no-such-program-anywhere' }
    const { app, offered, health } = await plugged({
      gone: unreachable,
      everything: everythingProgram().entry,
    })
    const names = await offered()
    expect(names.filter(name => name.startsWith('gone'))).toEqual([])
    expect(names).toContain('everything__echo')
    expect(await health()).toMatchObject({
      gone: { status: 'unhealthy', tools: 0 },
      everything: { status: 'healthy' },
    })
    await app.stop()
  })

  test('that never answers holds up nobody for long, and ends with Parley', async () => {
    const silent = oddProgram('silent')
    const { app, offered, health } = await plugged({ silent: silent.entry })
    expect(await offered()).toHaveLength(ours.length)
    expect(await health()).toEqual({ silent: { status: 'unhealthy', tools: 0 } })
    await app.stop()
    expect(silent.pids().map(isAlive)).toEqual([false])
  })

  test('fails the call that it was in the middle of', async () => {
    const server = oddProgram()
    const { app, use, until } = await plugged({ odd: server.entry })
    await until('odd', 'healthy')
    const used = use('odd__hang')
    await Bun.sleep(1000)
    process.kill(server.pids().at(-1)!, 'SIGKILL')
    expect(await used).toMatchObject({
      code: 'tool_failed',
      told: expect.stringContaining('The server of this tool does not answer.'),
      output: 'Done.',
    })
    await app.stop()
  })
})

describe('a server', () => {
  test('that refuses a call by the protocol is heard by the model, not by the client', async () => {
    const { app, use, until } = await plugged({ odd: oddProgram().entry })
    await until('odd', 'healthy')
    const { code, told, body } = await use('odd__refuse')
    expect([code, told]).toEqual(['tool_failed', expect.stringContaining('all about it')])
    expect(JSON.stringify(body)).not.toContain('all about it')
    await app.stop()
  })

  test('may have more tools from one moment to the next', async () => {
    const { app, use, until, offered } = await plugged({ odd: oddProgram().entry })
    await until('odd', 'healthy')
    await use('odd__learn')
    while (!(await offered()).includes('odd__learnt')) await Bun.sleep(50)
    await app.stop()
  })
})

describe('the process of a server', () => {
  test('has none of our environment but PATH and HOME, and what the file gives it', async () => {
    process.env.PARLEY_TEST_SECRET = 'not for others'
    const { entry } = everythingProgram()
    const { app, use } = await plugged({ everything: { ...entry, env: { GIVEN: 'yes' } } })
    const environment = JSON.parse((await use('everything__get-env')).result!)
    // What the shell of the test sets itself is its own.
    const { PWD, OLDPWD, SHLVL, _, ...inherited } = environment
    expect(inherited).toEqual({ PATH: process.env.PATH, HOME: process.env.HOME, GIVEN: 'yes' })
    delete process.env.PARLEY_TEST_SECRET
    await app.stop()
  })

  test('ends with Parley, and with it what it started, however stubborn', async () => {
    const server = oddProgram('stubborn')
    const { app, use, until } = await plugged({ odd: server.entry })
    await until('odd', 'healthy')
    const child = Number(/\d+/.exec((await use('odd__child')).result!)?.[0])
    expect([child, ...server.pids()].map(isAlive)).toEqual([true, true])
    await app.stop()
    expect([child, ...server.pids()].map(isAlive)).toEqual([false, false])
  })

  test('is told of a call that nobody waits for any more; what it says of itself is in the log for debugging', async () => {
    const server = oddProgram()
    const { app, use, until } = await plugged({ odd: server.entry }, { AGENT_RUN_SECONDS: '1' })
    const log = captureLog()
    await until('odd', 'healthy')
    expect((await use('odd__hang').catch(() => null))?.output).not.toBe('Done.')
    while (!log.lines.some(line => /^odd: called off: request \d+$/.test(line))) await Bun.sleep(20)
    log.stop()
    await app.stop()
  })

  test('is not asked anything before "initialize", since it may end at that', async () => {
    const server = oddProgram('discreet')
    const { app, until } = await plugged({ odd: server.entry })
    await until('odd', 'healthy')
    expect(server.pids()).toHaveLength(1)
    await app.stop()
  })

  test('is reached if it knows only the protocol of 2026-07-28', async () => {
    const { app, use, until } = await plugged({ odd: oddProgram('modern').entry })
    await until('odd', 'healthy')
    expect((await use('odd__child')).result).toStartWith('child')
    await app.stop()
  })
})

describe('a tool that the file wants approved', () => {
  test.each([[true], [['get-sum']]])(
    'waits for the person, and is carried out after that: %j',
    async approval => {
      const { app, someone, until } = await plugged({
        everything: { ...everythingProgram().entry, approval },
      })
      const as = app.as(someone)
      await until('everything', 'healthy')
      const message = `add up, ${JSON.stringify(approval)}`
      model.says(message, { toolCalls: [{ name: 'everything__get-sum', arguments: '{"a":2,"b":3}' }] })
      model.concludes(message, { content: 'Five.' })
      const { body } = await as('POST', '/agent-chats', { message })
      expect(JSON.stringify(body.events)).not.toContain('TOOL_CALL_RESULT')
      const { run_id, interrupts } = body.events.at(-1)
      expect(interrupts).toMatchObject([{ tool_name: 'everything__get-sum', waits_for: 'approval' }])

      const approvals = `/agent-chats/${body.session_id}/runs/${run_id}/approvals/${interrupts[0].id}`
      const went = await as('POST', approvals, { approved: true }, { accept: 'text/event-stream' })
      expect(went.body).toContain('The sum of 2 and 3 is 5.')
      await app.stop()
    },
  )

  test('does not hold up those that it does not name', async () => {
    const { app, use, until } = await plugged({
      everything: { ...everythingProgram().entry, approval: ['get-sum'] },
    })
    await until('everything', 'healthy')
    expect((await use('everything__echo', { message: 'at once' })).result).toBe('Echo: at once')
    await app.stop()
  })
})

describe('the names of tools', () => {
  test('fit what the model APIs take, and stay the same', async () => {
    const server = oddProgram()
    const { app, offered, until, use } = await plugged({ 'My odd.server': server.entry })
    await until('My odd.server', 'healthy')
    const names = (await offered()).slice(ours.length)
    expect(names).toEqual([
      'My_odd_server__hang',
      expect.stringMatching(/^My_odd_server___[0-9a-f]{8}$/),
      expect.stringMatching(/^My_odd_server__x{40}_[0-9a-f]{8}$/),
      'My_odd_server__child',
      'My_odd_server__refuse',
      'My_odd_server__learn',
    ])
    expect((await use(names[1]!)).result).toBe('天气 查询! ')
    process.kill(server.pids().at(-1)!, 'SIGKILL')
    await until('My odd.server', 'unhealthy')
    expect(await offered()).toHaveLength(ours.length)
    await until('My odd.server', 'healthy')
    expect((await offered()).slice(ours.length)).toEqual(names)
    await app.stop()
  })

  test('are those the file allows, where it names some', async () => {
    const log = captureLog()
    const { app, offered, until } = await plugged({
      odd: { ...oddProgram().entry, tools: ['child', 'hand'], approval: ['chill'] },
    })
    await until('odd', 'healthy')
    expect((await offered()).slice(ours.length)).toEqual(['odd__child'])
    expect(log.lines.filter(line => line.includes('no tool'))).toEqual([
      'the MCP server odd has no tool hand, which MCP_SERVERS names',
      'the MCP server odd has no tool chill, which MCP_SERVERS names',
    ])
    log.stop()
    await app.stop()
  })
})

describe('MCP_SERVERS', () => {
  test('takes the servers with or without the outer member, and leaves out the disabled', () => {
    const servers = {
      a: { command: 'x', type: 'stdio', alwaysAllow: ['y'] },
      b: { url: 'http://c/', disabled: true },
    }
    for (const content of [{ mcpServers: servers }, servers])
      expect(readServers(serversFile(content))).toEqual([
        {
          name: 'a',
          prefix: 'a',
          approval: [],
          tools: undefined,
          command: 'x',
          args: [],
          env: {},
          cwd: undefined,
        },
      ])
  })

  const wrong: Array<[string, unknown, string]> = [
    ['what is no JSON', '{', 'it holds no JSON'],
    ['what is no object', [], 'it holds no JSON object'],
    ['servers that are no object', { mcpServers: [] }, '"mcpServers" takes an object'],
    ['a server that is no object', { a: 'npx' }, 'the server "a" takes an object'],
    ['a server that is nowhere', { a: {} }, 'the server "a" takes either "command"'],
    [
      'a server in two places',
      { a: { command: 'x', url: 'http://x' } },
      'the server "a" takes either "command"',
    ],
    ['args that are a text', { a: { command: 'x', args: '-y' } }, '"a" takes "args" as a list of texts'],
    ['env with a number', { a: { command: 'x', env: { N: 1 } } }, '"a" takes "env" as an object of texts'],
    [
      'an address of another kind',
      { a: { url: 'ftp://x' } },
      '"a" takes "url" as an address that starts with',
    ],
    [
      'headers that are none',
      { a: { url: 'http://x', headers: { 'a b': 'secret' } } },
      '"a" takes "headers" as',
    ],
    [
      'sse',
      { a: { type: 'sse', url: 'http://x' } },
      '"a" takes "type" as one of stdio, http, streamable-http',
    ],
    [
      'an approval that is a word',
      { a: { command: 'x', approval: 'always' } },
      '"a" takes "approval" as true, false',
    ],
    ['a name without a letter', { 天气: { command: 'x' } }, 'the server "天气" takes a name with letters'],
    ['a name without end', { ['a'.repeat(33)]: { command: 'x' } }, 'of at most 32 characters'],
    ['two names alike', { 'a.b': { command: 'x' }, a_b: { command: 'x' } }, 'are the same to a model'],
  ]
  test.each(wrong)('refuses %s, and says what it takes', (_, content, sentence) => {
    const file = serversFile(content)
    expect(() => readServers(file)).toThrow(StartError)
    expect(() => readServers(file)).toThrow(
      `MCP_SERVERS takes the path of a JSON file of MCP servers. In ${file}, `,
    )
    expect(() => readServers(file)).toThrow(sentence)
  })

  test('that is wrong stops the start', async () => {
    const config = readConfig({ MCP_SERVERS: '/nowhere/at/all.json' })
    await expect(openServices(config)).rejects.toThrow('In /nowhere/at/all.json, it cannot be read (ENOENT).')
  })

  test('has its secrets shown nowhere: the log says in words of ours why a server is not to be had', async () => {
    const log = captureLog()
    const secret = 'sesame-7f3a'
    const telltale = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: () => new Response(secret, { status: 500 }),
    })
    const headers = { authorization: `Bearer ${secret}` }
    const env = { KEY: secret }
    const { app, health } = await plugged({
      nowhere: { url: `http://127.0.0.1:9/mcp?key=${secret}`, headers },
      telltale: { url: `http://127.0.0.1:${telltale.port}/mcp?key=${secret}`, headers },
      missing: { command: `no-such-program-${secret}`, env },
      short: { command: 'false', args: [secret], env },
    })
    const lost = () => log.lines.filter(line => line.includes('is not to be had')).sort()
    while (new Set(lost()).size < 4) await Bun.sleep(20)
    expect([...new Set(lost())]).toEqual([
      'the MCP server missing is not to be had: ENOENT',
      'the MCP server nowhere is not to be had: ECONNREFUSED',
      'the MCP server short is not to be had: its process has ended',
      'the MCP server telltale is not to be had: HTTP 500',
    ])
    expect(JSON.stringify([log.lines, await health()])).not.toContain(secret)
    log.stop()
    await app.stop()
    await telltale.stop(true)
  })
})
