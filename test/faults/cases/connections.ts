/** Clients that take connections and do not behave. Nobody else is to notice. */
import { end, word } from '../../harness/model.ts'
import { type Case, must, mustSoon } from '../case.ts'
import { type Outage, outage, type People } from '../outage.ts'
import type { Person } from '../person.ts'
import { descriptorsOf, hasProc, memoryOf } from '../process.ts'
import { allClosed, openSocket, requestText, type Socket, secondsUntilClosed } from '../sockets.ts'
import type { Needs, Stage } from '../stage.ts'

type Crowd = {
  name: string
  fault: string
  waits?: boolean
  needs?: Needs
  many: number
  /** Whether they take what they are sent. */
  reads?: boolean
  /** What each of them does, from when all are connected. */
  each(socket: Socket, index: number, alice: Person): unknown
  /** Once everybody else has had their answers; says what the crowd has seen. */
  ends(sockets: Socket[], alice: Person): Promise<string>
}

const health = requestText({ method: 'GET', path: '/health' })
/** At ten bytes a second the one takes seconds, the other a quarter of an hour. */
const [shortBody, longBody] = [10, 9000].map(length => `{"refresh_token": "${'x'.repeat(length)}"}`)

const crowds: Crowd[] = [
  {
    name: 'idle-connections',
    waits: true,
    fault: '1,000 connections are open and idle, half of them after a request',
    many: 1000,
    each: (socket, index) => index % 2 === 0 && socket.write(health),
    async ends(sockets) {
      await mustSoon(() => allClosed(sockets), 'idle connections are closed', 60_000)
      const [used, unused] = [0, 1].map(rest => sockets.filter((_, index) => index % 2 === rest))
      must(
        used!.every(socket => socket.received().includes('{"status":"ok"}')),
        'each request is answered',
      )
      return `closed after ${secondsUntilClosed(used!)} s, without a request after ${secondsUntilClosed(unused!)} s`
    },
  },
  {
    name: 'slow-headers',
    waits: true,
    fault: '200 clients send their headers a byte a second',
    many: 200,
    each: socket => trickle(socket, health, 1000),
    async ends(sockets) {
      await mustSoon(() => allClosed(sockets), 'slow headers are cut off', 60_000)
      return `closed after ${secondsUntilClosed(sockets)} s`
    },
  },
  {
    name: 'slow-bodies',
    fault: '200 clients send their body ten bytes a second; half of them would take a quarter of an hour',
    waits: true,
    many: 200,
    each(socket, index) {
      const body = index % 2 === 0 ? shortBody! : longBody!
      const request = requestText({ method: 'POST', path: '/auth/sessions/refresh', body })
      socket.write(request.slice(0, -body.length))
      return trickle(socket, body, 100)
    },
    async ends(sockets) {
      const [short, long] = [0, 1].map(rest => sockets.filter((_, index) => index % 2 === rest))
      const answered = (socket: Socket) => socket.received().includes('"code":"invalid_refresh_token"')
      await mustSoon(() => short!.every(answered), 'a slow request is answered as any')
      await mustSoon(() => allClosed(long!), 'one that is too slow is cut off', 60_000)
      return `the short ones answered; the long ones closed after ${secondsUntilClosed(long!)} s`
    },
  },
  {
    name: 'never-read',
    fault: '30 clients ask for a streamed answer of 1 MiB and read nothing of it',
    needs: {
      env: { AGENT_MAX_RUNS: '100', AGENT_CONTEXT_TOKENS: '1000000' },
      scripts: { 'Say much.': () => muchSaid() },
    },
    many: 30,
    reads: false,
    each(socket, _, alice) {
      const chat = alice.newChat()
      const body = JSON.stringify({ message: 'Say much.', session_id: chat.id })
      const token = alice.session!.access
      const headers = ['Accept: text/event-stream']
      socket.write(requestText({ method: 'POST', path: '/agent-chats', token, headers, body }))
      chat.tell('Say much.', { began: true, said: much.join(''), over: true })
    },
    async ends(_, alice) {
      const goesOn = async () => (await alice.chat(undefined, alice.chats.at(-1))) === '200'
      await mustSoon(goesOn, 'the answer that nobody reads comes to its end')
      return 'the answers come to their end'
    },
  },
  {
    name: 'pipelined',
    fault: 'A client sends requests without end on one connection and reads no answer',
    many: 1,
    reads: false,
    async each(socket, _, alice) {
      const token = alice.session!.access
      const requests = requestText({ method: 'GET', path: '/users/me', token }).repeat(100)
      while (socket.closedAfter() === null) {
        if (socket.waiting() < 1024 * 1024) socket.write(requests)
        await Bun.sleep(1)
      }
    },
    async ends(sockets) {
      await mustSoon(() => allClosed(sockets), 'such a client is cut off', 60_000)
      return 'the connection is closed'
    },
  },
]

async function trickle(socket: Socket, text: string, pauseMs: number): Promise<void> {
  for (const byte of text) {
    if (socket.closedAfter() !== null) return
    socket.write(byte)
    await Bun.sleep(pauseMs)
  }
}

const much = Array(64).fill('x'.repeat(16 * 1024))

async function* muchSaid() {
  for (const piece of much) yield word(piece)
  yield end
}

/** Far more than any of them needs, far less than a server that keeps all it is sent. */
const mostMiB = 300

function asOutage({ needs, many, reads, each, ends, ...named }: Crowd): Outage {
  let sockets: Socket[] = []
  let before = { descriptors: 0, memory: 0 }
  return {
    ...named,
    needs,
    async strike({ parley: { pid, url } }, { alice }) {
      before = measure(pid)
      sockets = Array.from({ length: many }, () => openSocket(url, { reads }))
      sockets.map((socket, index) => each(socket, index, alice))
      await Bun.sleep(1000)
    },
    async lift({ parley: { pid } }: Stage, { alice }: People) {
      const seen = await ends(sockets, alice)
      const grown = measure(pid).memory - before.memory
      must(grown < mostMiB, `its memory grows by less than ${mostMiB} MiB, not ${grown}`)
      for (const socket of sockets) socket.destroy()
      await mustSoon(() => measure(pid).descriptors < before.descriptors + 50, 'descriptors are given back')
      return seen
    },
  }
}

const measure = (pid: number) =>
  hasProc ? { descriptors: descriptorsOf(pid), memory: memoryOf(pid) } : { descriptors: 0, memory: 0 }

export const connections: Case[] = crowds.map(crowd => outage('Connections', asOutage(crowd)))
