/** Connections of clients that do not behave. */
import { connect } from 'node:net'

export type Socket = ReturnType<typeof openSocket>

/** @param reads whether it takes what it is sent */
export function openSocket(url: string, { reads = true } = {}) {
  const openedAt = performance.now()
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  let received = ''
  let closedAfter: number | null = null
  if (reads) socket.setEncoding('utf8').on('data', text => (received += text))
  else socket.pause()
  socket.on('error', () => {})
  socket.on('close', () => {
    closedAfter = (performance.now() - openedAt) / 1000
  })
  return {
    write: (text: string) => socket.write(text),
    waiting: () => socket.writableLength,
    received: () => received,
    /** Seconds, once the server has closed it. */
    closedAfter: () => closedAfter,
    destroy: () => socket.destroy(),
  }
}

type Request = { method: string; path: string; token?: string; headers?: string[]; body?: string }

export const requestText = ({ method, path, token, headers = [], body = '' }: Request): string =>
  [
    `${method} /api/v1${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    ...(token ? [`Authorization: Bearer ${token}`] : []),
    ...headers,
    ...(body ? ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`] : []),
    '',
    body,
  ].join('\r\n')

/** The median, whole. */
export const secondsUntilClosed = (sockets: Socket[]): number =>
  Math.round(sockets.map(socket => socket.closedAfter()!).sort((a, b) => a - b)[sockets.length >> 1]!)

export const allClosed = (sockets: Socket[]): boolean =>
  sockets.every(socket => socket.closedAfter() !== null)
