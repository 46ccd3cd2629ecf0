import { connect } from 'node:net'

/** An answer as it streams in, over a socket of its own: fetch allows 256 requests at once. */
export function openStream(url: string, accessToken: string) {
  const { port, host } = new URL(url)
  const body = '{"message":"hello"}'
  const socket = connect(Number(port), '127.0.0.1')
  let text = ''
  socket.setEncoding('utf8').on('data', chunk => {
    text += chunk
  })
  socket.write(
    [
      'POST /api/v1/agent-chats HTTP/1.1',
      `Host: ${host}`,
      `Authorization: Bearer ${accessToken}`,
      'Accept: text/event-stream',
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n'),
  )
  /** Resolves once that has arrived. */
  const says = (what: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => text.includes(what) && resolve()
      socket.on('data', look)
      socket.on('close', () => reject(new Error(`closed before ${what}: ${text}`)))
      socket.on('error', reject)
      look()
    })
  return { says }
}
