/** What arrives at the port need not be HTTP. Whatever it is, it is no fault of the server, which lives on. */
import { afterAll, beforeAll, expect } from 'bun:test'
import { connect } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { edited } from './edited.ts'
import { holds } from './holds.ts'
import { type Server, startServer } from './server.ts'

let server: Server
let token: string
beforeAll(async () => {
  server = await startServer()
  token = (await server.newUser()).access_token
})
afterAll(() => server.stop())

const awkward = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    'a',
    '[',
    '\u0000',
    '\u00ff',
    '%00',
    '%zz',
    '..',
    '//',
    ':',
    '::1',
    ' ',
    '-1',
    '9'.repeat(20),
  ),
  fc.constantFrom(5_000, 70_000).map(length => 'x'.repeat(length)),
)
const headerNames = [
  ...[
    'Accept',
    'Accept-Language',
    'Authorization',
    'Connection',
    'Content-Encoding',
    'Content-Length',
    'Content-Type',
  ],
  ...['Cookie', 'Expect', 'Host', 'If-None-Match', 'Last-Event-ID', 'Origin', 'Range', 'TE', 'Trailer'],
  ...['Transfer-Encoding', 'Upgrade', 'X-Forwarded-For', 'X-Request-Id'],
]
const header = fc.tuple(
  fc.oneof(fc.constantFrom(...headerNames), fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}$/)),
  fc.oneof(awkward, fc.constantFrom('chunked', '100-continue', 'websocket', 'h2c', 'gzip')),
)
const paths = [
  '/',
  '/docs',
  '/openapi.json',
  '/api/v1/health',
  '/api/v1/users/me',
  '/api/v1/users/x',
  '/api/v1/agent-chats',
  '/api/v1/auth/sessions',
]
const target = fc
  .tuple(fc.constantFrom(...paths), fc.oneof(fc.constant(''), awkward))
  .map(parts => parts.join(''))
const deep = fc
  .tuple(fc.constantFrom('[', '{"message":'), fc.nat(20_000))
  .map(([open, depth]) => open.repeat(depth))
const members = fc.dictionary(
  fc.constantFrom('message', 'session_id', 'bio', 'email', '__proto__'),
  fc.oneof(awkward, fc.jsonValue()),
)

const request = fc
  .record({
    method: fc.constantFrom('GET', 'POST', 'PATCH', 'DELETE', 'PUT', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND'),
    target: target.map(text => text.replace(/\s/g, '')),
    host: fc.oneof(fc.constant('parley.example'), awkward),
    headers: fc.array(header, { maxLength: 4 }),
    body: fc.oneof(
      members.map(members => JSON.stringify(members)),
      fc.json(),
      deep,
      awkward,
    ),
  })
  .map(({ method, target, host, headers, body }) =>
    [
      `${method} ${target} HTTP/1.1`,
      'Connection: close',
      `X-Forwarded-For: ${server.nobody()}`,
      'Authorization: Bearer TOKEN',
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...[['Host', host], ...headers].map(([name, value]) => `${name}: ${value?.replace(/[\r\n]/g, '')}`),
      '',
      body,
    ].join('\r\n'),
  )

holds(
  'a request with whatever in it, in however many pieces, is answered: by a problem, if it is refused',
  () =>
    fc.asyncProperty(request, fc.array(fc.nat(), { maxLength: 3 }), async (request, cuts) => {
      const { answer, end } = await send(request, 10_000, cuts)
      // Bun answers and closes without reading all of a long body: the answer may get lost on its way.
      if (end === 'reset') return server.expectToBeWell()
      expect(end).toBe('closed')
      const [status = 500] = statusesOf(answer)
      expect(status).toBeLessThan(500)
      // What Bun cannot read, it refuses by itself, without a word; the rest comes by us.
      if (!answer.includes('x-request-id:')) expect([400, 431]).toContain(status)
      else if (status >= 400 && !request.startsWith('HEAD'))
        expect(answer).toContain('application/problem+json')
    }),
  3,
)

const rubbish = fc.oneof(
  fc.uint8Array({ maxLength: 2000 }).map(bytes => Buffer.from(bytes).toString('latin1')),
  fc.string({ unit: 'binary' }),
  request.chain(request => edited(request.slice(0, 5000))),
)

holds(
  'rubbish is refused or waits for more, and the server lives on',
  () =>
    // Many at once, since nobody can tell silence before some time has passed.
    fc.asyncProperty(fc.array(rubbish, { minLength: 30, maxLength: 30 }), async all => {
      const answers = await Promise.all(all.map(bytes => send(bytes, 100)))
      for (const { answer } of answers)
        for (const status of statusesOf(answer)) expect(status).toBeLessThan(500)
      await server.expectToBeWell()
    }),
  3,
)

type End = 'closed' | 'reset' | 'silent'

/** All that is answered until the server closes the connection, or has been silent for so long. */
async function send(
  text: string,
  silentMs: number,
  cuts: number[] = [],
): Promise<{ answer: string; end: End }> {
  const { port } = new URL(server.url)
  const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })
  const ended = Promise.withResolvers<End>()
  let answer = ''
  socket.setEncoding('latin1').on('data', text => {
    answer += text
  })
  socket.setTimeout(silentMs, () => ended.resolve('silent'))
  socket.on('error', () => ended.resolve('reset')).on('close', () => ended.resolve('closed'))
  for (const piece of cutAt(Buffer.from(text.replace('TOKEN', token)), cuts)) {
    socket.write(piece)
    await turn()
  }
  const end = await ended.promise
  socket.destroy()
  return { answer, end }
}

function cutAt(bytes: Buffer, places: number[]): Buffer[] {
  const ends = [...places.map(place => place % (bytes.length + 1)), bytes.length].sort(
    (one, other) => one - other,
  )
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
}

/** Bun's 505 says of a request line that it is none: it is the sender's fault, whatever its number. */
const statusesOf = (answer: string): number[] =>
  [...answer.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)]
    .map(([, status]) => Number(status))
    .map(status => (status === 505 ? 400 : status))
