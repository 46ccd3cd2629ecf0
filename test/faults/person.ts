/** Somebody who uses the server and remembers what it acknowledged, what it refused, and what got no answer. */
import { codeIn } from '../harness/client.ts'
import { openEventStream } from '../harness/event-stream.ts'
import { Chat, type Heard } from './chat.ts'
import { outcomeOf, patienceMs, type Reply, type Stage } from './stage.ts'

export type Session = {
  access: string
  refresh: string
  /** Refresh tokens that were used up, oldest first, and when the last was. */
  spent: string[]
  rotatedAt: number
  /** When a refresh got no answer: the server may be one token ahead. */
  lostAt: number | null
  state: 'live' | 'ended' | 'unsure'
}

type Tokens = { access_token: string; refresh_token: string }

let people = 0

export class Person {
  readonly username = `person_${++people}`
  readonly email = `${this.username}@example.com`
  readonly password = `secret of ${this.username}`
  readonly address = `10.9.${people >> 8}.${people & 255}`
  readonly sessions: Session[] = []
  readonly chats: Chat[] = []
  account: 'none' | 'begun' | 'unsure' | 'there' | 'given up' = 'none'
  /** The code that made the account, once it is spent. */
  spentCode: string | null = null
  guesses = 0
  /** Mails asked for, whether or not the answer came. */
  mailsAsked = 0
  bio: string | null = null
  /** What the bio may be: the last change got no answer. */
  unsureBio: string | null = null
  #words = 0

  constructor(readonly stage: Stage) {}

  get session(): Session | undefined {
    return this.sessions.find(({ state }) => state === 'live')
  }

  ask(method: string, path: string, body?: unknown, session?: Session): Promise<Reply> {
    return this.stage.ask(method, path, body, {
      'x-forwarded-for': this.address,
      ...(session ? { authorization: `Bearer ${session.access}` } : {}),
    })
  }

  async signUp(): Promise<string> {
    const { username, email, password } = this
    this.mailsAsked++
    const { status, outcome } = await this.ask('POST', '/auth/verifications', { username, email, password })
    if (status === 202) this.account = 'begun'
    return outcome
  }

  async resend(): Promise<string> {
    this.mailsAsked++
    return (await this.ask('POST', '/auth/verifications/resend', { email: this.email })).outcome
  }

  /** The newest code that has arrived. */
  get code(): string | null {
    const mail = this.stage.mails().findLast(({ to }) => to === this.email)
    return mail ? codeIn(mail.text) : null
  }

  async verify(): Promise<string> {
    const token = this.code ?? '000000'
    const reply = await this.ask('POST', '/auth/verifications/verify', { email: this.email, token })
    if (reply.status === null) this.account = 'unsure'
    if (reply.status === 200) {
      this.account = 'there'
      this.spentCode = token
      this.#begin(reply.body)
    }
    return reply.outcome
  }

  async signIn(): Promise<string> {
    const { email, password } = this
    const { status, outcome, body } = await this.ask('POST', '/auth/sessions', { email, password })
    if (status === 200) this.#begin(body)
    return outcome
  }

  #begin({ access_token: access, refresh_token: refresh }: Tokens): void {
    this.sessions.push({ access, refresh, spent: [], rotatedAt: 0, lostAt: null, state: 'live' })
  }

  async refresh(session = this.session!): Promise<string> {
    const askedAt = Date.now()
    const { refresh } = session
    const reply = await this.ask('POST', '/auth/sessions/refresh', { refresh_token: refresh })
    if (reply.status === null) session.lostAt ??= askedAt
    if (reply.status === 200) {
      const { access_token, refresh_token } = reply.body as Tokens
      Object.assign(session, { access: access_token, refresh: refresh_token, lostAt: null })
      session.spent.push(refresh)
      session.rotatedAt = Date.now()
    }
    return reply.outcome
  }

  /** Ends the newest session. */
  async signOut(session = this.sessions.findLast(({ state }) => state === 'live')!): Promise<string> {
    const { status, outcome } = await this.ask('DELETE', '/auth/sessions', { refresh_token: session.refresh })
    if (status === 204) session.state = 'ended'
    if (status === null) session.state = 'unsure'
    return outcome
  }

  async read(): Promise<string> {
    return (await this.ask('GET', '/users/me', undefined, this.session)).outcome
  }

  async change(): Promise<string> {
    const bio = `Bio ${++this.#words}`
    const { status, outcome } = await this.ask('PATCH', '/users/me', { bio }, this.session)
    if (status === 200) Object.assign(this, { bio, unsureBio: null })
    if (status === null) this.unsureBio = bio
    return outcome
  }

  /** As JSON. */
  async chat(message = this.words(), chat = this.newChat()): Promise<string> {
    const body = { message, session_id: chat.id }
    const { status, outcome, body: answer } = await this.ask('POST', '/agent-chats', body, this.session)
    const events = (answer?.events ?? []) as Array<{ delta: string | null }>
    const heard = { began: events.length > 0, said: textOf(events), over: events.length > 0 }
    if (heard.began || status === null) chat.tell(message, heard)
    return outcome
  }

  /** As a stream; some leave after the first word. */
  async stream(message = this.words(), chat = this.newChat(), leave = false): Promise<string> {
    const heard: Heard = { began: false, said: '', over: false }
    const late = Bun.sleep(patienceMs).then(() => `no end in ${patienceMs / 1000} s`)
    const outcome = await Promise.race([this.#listen({ message, session_id: chat.id }, heard, leave), late])
    if (heard.began || outcome === 'no answer') chat.tell(message, heard)
    return outcome
  }

  async #listen(body: object, heard: Heard, leave: boolean): Promise<string> {
    try {
      const headers = { 'x-forwarded-for': this.address }
      const token = this.session?.access ?? ''
      const stream = await openEventStream(this.stage.parley.url, token, body, headers)
      const { ok, status, headers: given } = stream.response
      if (!ok) return outcomeOf({ status, headers: given, body: await stream.response.json() })
      for (let next = await stream.next(); next; next = await stream.next()) {
        const { type, delta, code } = next.event
        heard.began = true
        heard.said += delta ?? ''
        heard.over = type === 'RUN_FINISHED' || type === 'RUN_ERROR'
        if (heard.over) return ['200', type, code].filter(Boolean).join(' ')
        if (leave && heard.said) {
          stream.leave()
          return '200, left'
        }
      }
      return 'no end'
    } catch {
      return 'no answer'
    }
  }

  newChat(): Chat {
    const chat = new Chat()
    this.chats.push(chat)
    return chat
  }

  /** That nobody has said before. */
  words(): string {
    return `message ${++this.#words} of ${this.username}.`
  }
}

const textOf = (events: Array<{ delta: string | null }>): string =>
  events.map(({ delta }) => delta ?? '').join('')
