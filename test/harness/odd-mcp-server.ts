/**
 * An MCP server over stdio, by hand, that behaves as its arguments say: `silent` answers nothing, `stubborn`
 * ends neither with its input nor at SIGTERM and has a child, `modern` knows the protocol of 2026-07-28 alone,
 * `discreet` ends when it is asked anything before `initialize`.
 */
import { createInterface } from 'node:readline'

type Message = { id?: number; method: string; params?: { name?: string; requestId?: number } }

const is = (behaviour: string) => process.argv.includes(behaviour)
const modern = '2026-07-28'
const tools = [
  { name: 'hang', description: 'Never ends.', inputSchema: { type: 'object' } },
  { name: '天气 查询!', description: 'A name that no model takes.', inputSchema: { type: 'object' } },
  { name: 'x'.repeat(70), title: 'A long name', inputSchema: { type: 'object' } },
  { name: 'child', description: 'The id of its child.', inputSchema: { type: 'object' } },
  { name: 'refuse', description: 'Is refused by the protocol.', inputSchema: { type: 'object' } },
  { name: 'learn', description: 'Gives it one more tool.', inputSchema: { type: 'object' } },
]
const child = is('stubborn') ? Bun.spawn(['sleep', '600']) : null
if (is('stubborn')) {
  process.on('SIGTERM', () => console.error('SIGTERM does not move me'))
  setInterval(() => {}, 1000)
}

let greeted = false
createInterface({ input: process.stdin }).on('line', line => {
  if (is('silent')) return
  const { id, method, params } = JSON.parse(line) as Message
  if (method === 'notifications/cancelled') console.error(`called off: request ${params?.requestId}`)
  if (id === undefined) return
  const answer = answerTo(method, params?.name)
  if (answer) console.log(JSON.stringify({ jsonrpc: '2.0', id, ...answer }))
})

function answerTo(method: string, tool = ''): { result: object } | { error: object } | null {
  if (is('discreet') && !greeted && method !== 'initialize') process.exit(1)
  greeted = true
  const resultType = 'complete'
  if (method === 'server/discover' && is('modern'))
    return { result: { resultType, supportedVersions: [modern], capabilities: { tools: {} } } }
  if (method === 'initialize' && !is('modern'))
    return {
      result: {
        protocolVersion: '2025-06-18',
        capabilities: { tools: {} },
        serverInfo: { name: 'odd', version: '1' },
      },
    }
  if (method === 'tools/list') return { result: { resultType, tools } }
  if (method === 'tools/call' && tool === 'hang') return null
  if (method === 'tools/call' && tool === 'refuse')
    return { error: { code: -32603, message: 'all about it' } }
  if (method === 'tools/call' && tool === 'learn') {
    tools.push({ name: 'learnt', description: 'New.', inputSchema: { type: 'object' } })
    console.log(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' }))
  }
  if (method === 'tools/call')
    return { result: { resultType, content: [{ type: 'text', text: `${tool} ${child?.pid ?? ''}` }] } }
  return { error: { code: -32601, message: `no such method: ${method}` } }
}
