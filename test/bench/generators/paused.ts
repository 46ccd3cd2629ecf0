/** Asks for an answer, reads until its first word, and never again: its socket takes what the system gives it room for. */
import { connect } from 'node:net'
import type { Ask } from './ask.ts'

const ask: Ask = JSON.parse(Bun.argv[2]!)
const { hostname, port, pathname } = new URL(ask.url)
const body = ask.body!.replaceAll('$id', crypto.randomUUID())
const headers = {
  host: `${hostname}:${port}`,
  'content-type': 'application/json',
  'content-length': Buffer.byteLength(body),
  ...ask.headers,
}
const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
const socket = connect(Number(port), hostname, () =>
  socket.write(`POST ${pathname} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`),
)
let heard = ''
socket.on('data', chunk => {
  heard += chunk
  if (heard.includes('word')) socket.pause()
})
socket.on('error', error => console.error(String(error)))
