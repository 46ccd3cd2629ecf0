/** What was acknowledged is there, what was ended is dead. Each check returns how many facts it has found true. */
import { Database } from 'bun:sqlite'
import { must, mustSoon } from './case.ts'
import type { Chat } from './chat.ts'
import type { Person, Session } from './person.ts'
import { patiently, type Stage } from './stage.ts'
import { recall } from './talk.ts'

/** A token used before the last one is theft at once, the last one after this long. */
const graceMs = 10_000

/** Finds out what became of the requests that got no answer; whatever it is, it must be one of the two. */
export async function settle(person: Person): Promise<number> {
  let facts = 0
  if (person.account === 'unsure') facts += await settleAccount(person)
  for (const session of person.sessions) {
    if (session.lostAt !== null) facts += await settleRefresh(person, session)
    if (session.state === 'unsure') session.state = (await isAlive(person, session)) ? 'live' : 'ended'
  }
  return facts
}

/** The account is there, or its code still works, or another can be asked for: a code is spent before the account is made. */
async function settleAccount(person: Person): Promise<number> {
  if ((await person.signIn()) === '200') {
    person.account = 'there'
    person.spentCode = person.code
    return 1
  }
  if ((await person.verify()) === '200') return 1
  const attempts = readDatabase(person.stage, database =>
    database.query('SELECT id FROM sign_up_attempts WHERE email = ?').all(person.email),
  )
  must(
    attempts.length === 1,
    `${person.username}, whose code is spent without an account, can ask for another`,
  )
  person.account = 'given up'
  return 1
}

/** Whoever lost the answer to a refresh asks again, and stays signed in. */
async function settleRefresh(person: Person, session: Session): Promise<number> {
  const inTime = Date.now() - session.lostAt! < graceMs - 1000
  const outcome = await person.refresh(session)
  must(!inTime || outcome === '200', `${person.username} stays signed in after a lost answer, not ${outcome}`)
  session.lostAt = null
  if (outcome !== '200') session.state = 'ended'
  return 1
}

export async function check(person: Person): Promise<number> {
  let facts = 0
  for (const session of person.sessions) facts += await checkSession(person, session)
  if (person.spentCode !== null && person.guesses < 3) facts += await checkSpentCode(person)
  if (person.session) for (const chat of person.chats) facts += await checkChat(person, chat)
  return facts
}

async function checkSession(person: Person, session: Session): Promise<number> {
  const { status, body, outcome } = await person.ask('GET', '/users/me', undefined, session)
  if (session.state === 'ended') return checkEnded(person, session, outcome)
  must(status === 200, `${person.username} is still signed in, not ${outcome}`)
  must(body.username === person.username, `${person.username} is called so, not ${body.username}`)
  const known = [person.bio, ...(person.unsureBio ? [person.unsureBio] : [])]
  must(known.includes(body.bio), `the bio of ${person.username} is ${known.join(' or ')}, not ${body.bio}`)
  person.bio = body.bio
  person.unsureBio = null
  return 2
}

async function checkEnded(person: Person, session: Session, outcome: string): Promise<number> {
  must(outcome === '401 unauthenticated', `an ended session of ${person.username} gets 401, not ${outcome}`)
  const refresh = { refresh_token: session.refresh }
  const again = (await person.ask('POST', '/auth/sessions/refresh', refresh)).outcome
  must(again === '401 invalid_refresh_token', `its refresh token gets 401, not ${again}`)
  return 2
}

/** Not often: wrong guesses are counted. */
async function checkSpentCode(person: Person): Promise<number> {
  person.guesses++
  const guess = { email: person.email, token: person.spentCode }
  const ask = async () => (await person.ask('POST', '/auth/verifications/verify', guess)).outcome
  const outcome = await patiently(person.stage, ask)
  must(outcome === '401 invalid_code', `the spent code of ${person.username} gets 401, not ${outcome}`)
  return 1
}

/** A further message shows what the model is sent of the chat. */
async function checkChat(person: Person, chat: Chat): Promise<number> {
  if (chat.said.length === 0) return 0
  const message = `${recall}${person.words()}`
  const outcome = await person.chat(message, chat)
  must(outcome === '200', `a chat of ${person.username} goes on, not ${outcome}`)
  return chat.compare(person.stage.sentFor(message), person.username)
}

export const isAlive = async (person: Person, session: Session): Promise<boolean> =>
  (await person.ask('GET', '/users/me', undefined, session)).status === 200

/** Somebody uses a token that was used up long before: it gets 401, and its session ends. Destroys the session. */
export async function checkTheft(person: Person, session: Session): Promise<number> {
  const { outcome } = await person.ask('POST', '/auth/sessions/refresh', { refresh_token: session.spent[0] })
  must(outcome === '401 invalid_refresh_token', `a token rotated away gets 401, not ${outcome}`)
  session.state = 'ended'
  return 1
}

export const canBeTheft = ({ state, spent, rotatedAt, lostAt }: Session): boolean =>
  state === 'live' &&
  lostAt === null &&
  (spent.length > 1 || (spent.length === 1 && Date.now() - rotatedAt > graceMs + 1000))

export async function checkPassword(person: Person): Promise<number> {
  const outcome = await person.signIn()
  must(outcome === '200', `the password of ${person.username} is good, not ${outcome}`)
  await person.signOut()
  return 1
}

/** Every sign-up that was accepted has its mail, and no life of the executable sends a mail twice. */
export async function checkMails(stage: Stage, people: Person[]): Promise<{ mails: number; twice: number }> {
  const begun = people.filter(({ account }) => account !== 'none')
  await mustSoon(
    () => {
      const reached = new Set(stage.mails().map(({ to }) => to))
      return begun.every(({ email }) => reached.has(email))
    },
    'every accepted sign-up gets its mail',
    40_000,
  )
  const mails = stage.mails().map(mail => ({ ...mail, id: mail.headers['message-id']! }))
  const ids = new Set(mails.map(({ id }) => id))
  const sendings = new Set(mails.map(({ id, life }) => `${id} ${life}`))
  must(sendings.size === mails.length, 'no mail goes out twice without a crash in between')
  for (const { email, username, mailsAsked } of people) {
    const own = new Set(mails.filter(({ to }) => to === email).map(({ id }) => id))
    must(own.size <= mailsAsked, `${username} asks for ${mailsAsked} mails and does not get ${own.size}`)
  }
  return { mails: ids.size, twice: mails.length - ids.size }
}

/** The file is whole, every row's owner is there, and no run is open while nobody asks anything. */
export function checkDatabase(stage: Stage): void {
  readDatabase(stage, database => {
    const rows = (sql: string) => database.query<Record<string, unknown>, []>(sql).all()
    must(rows('PRAGMA integrity_check')[0]?.integrity_check === 'ok', 'PRAGMA integrity_check says ok')
    must(rows('PRAGMA foreign_key_check').length === 0, 'PRAGMA foreign_key_check finds nothing')
    const open = rows("SELECT id FROM runs WHERE status IN ('queued', 'running')")
    must(open.length === 0, 'no run is queued or running while nobody asks anything')
  })
}

function readDatabase<T>(stage: Stage, read: (database: Database) => T): T {
  const database = new Database(stage.databasePath, { readonly: true })
  try {
    return read(database)
  } finally {
    database.close()
  }
}
