/** What there is on the server to ask for, so that requests get further than to a 404. */
import type { Server } from './server.ts'

/** Values by the names that members and parameters have; those of one record belong together. */
export type Values = Record<string, string>

/** Where there are rules that no schema says: what fits may be refused for what stands here, or below. */
export const beyondSchema = [
  '/body/attachments',
  '/body/messages',
  '/query/cursor',
  '/query/from',
  '/query/to',
]

const people = 8
const learnedAtMost = 50

export class Known {
  readonly #learned: Values[] = []

  private constructor(private readonly lasting: Values[]) {}

  /** People who are signed in and have a chat each, and people who have a code and have not used it yet. */
  static async populate(server: Server): Promise<Known> {
    const records: Values[] = []
    for (let number = 0; number < people; number++) {
      // Without its refresh token, with which somebody would end the session soon.
      const { username, email, password, access_token } = await server.newUser()
      const chat = await server.as({ access_token })('POST', '/agent-chats', { message: 'Hello' })
      const other = await server.call('POST', '/auth/sessions', { email, password })
      const { session_id: id } = chat.body
      records.push(
        { username, email, password, access_token, id, ...textsIn(chat.body) },
        textsIn(other.body),
      )
      records.push(await signUp(server, number))
    }
    return new Known(records)
  }

  get records(): Values[] {
    return [...this.lasting, ...this.#learned]
  }

  /** One of those that know most of the names. */
  record(number: number, names: string[]): Values {
    const shared = (record: Values) => names.filter(name => name in record).length
    const most = Math.max(...this.records.map(shared))
    const best = this.records.filter(record => shared(record) === most)
    return best[number % best.length]!
  }

  /** An access token of somebody's; its session may have ended since. */
  token(number: number): string {
    const tokens = this.records.flatMap(({ access_token }) => access_token ?? [])
    return tokens[number % tokens.length] ?? ''
  }

  /** The session of the token has ended. */
  forget(token: string | null): void {
    for (const record of this.records) if (record.access_token === token) delete record.access_token
  }

  /** What an answer names can be asked for from now on. */
  learn(answer: unknown): void {
    const values = textsIn(answer)
    if (Object.keys(values).length > 0) this.#learned.push(values)
    if (this.#learned.length > learnedAtMost) this.#learned.shift()
  }
}

async function signUp(server: Server, number: number): Promise<Values> {
  const person = { username: `new_${number}`, email: `new_${number}@example.com`, password: 'correct horse' }
  await server.call('POST', '/auth/verifications', person, { 'x-forwarded-for': server.nobody() })
  return { ...person, token: await server.codeFor(person.email) }
}

/** The texts in a JSON value by their names; of several with one name the first. */
function textsIn(value: unknown, texts: Values = {}): Values {
  if (typeof value !== 'object' || value === null) return texts
  for (const [name, member] of Object.entries(value)) {
    // What is given as next_cursor is asked for as cursor.
    if (typeof member === 'string') texts[name.replace(/^next_/, '')] ??= member
    else textsIn(member, texts)
  }
  return texts
}
