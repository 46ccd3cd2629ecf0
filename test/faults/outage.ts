/** A case in which everything is asked while the fault lasts, and again when it is over. */
import { type Case, must, mustSoon } from './case.ts'
import { check, checkDatabase, checkMails, settle } from './checks.ts'
import { checkLog } from './log.ts'
import { Person } from './person.ts'
import { type Needs, patiently, Stage } from './stage.ts'

type Deed = keyof typeof deeds
type Outcomes = Partial<Record<Deed, string>>

export type Outage = {
  name: string
  fault: string
  needs?: Needs
  waits?: boolean
  strike(stage: Stage, people: People): unknown
  /** Ends the fault; a text it returns is what else was seen of it. */
  lift?(stage: Stage, people: People): unknown
  /** What is answered otherwise than usual, while it lasts. */
  during?: Outcomes
  /** And once it is over. */
  after?: Outcomes
  logged?: RegExp[]
  /** What may be logged, or not. */
  possible?: RegExp[]
}

/** Alice is signed in, on two devices. Bob has a code in hand. Whoever signs up is somebody new each time. */
export type People = { alice: Person; bob: Person; newcomers: Person[] }

/** In this order, and what is usual. */
const deeds = {
  'GET /users/me': { usual: '200', act: ({ alice }: People) => alice.read() },
  'PATCH /users/me': { usual: '200', act: ({ alice }: People) => alice.change() },
  refresh: { usual: '200', act: ({ alice }: People) => alice.refresh() },
  chat: { usual: '200', act: ({ alice }: People) => alice.chat(undefined, alice.chats[0]) },
  'streamed chat': {
    usual: '200 RUN_FINISHED',
    act: ({ alice }: People) => alice.stream(undefined, alice.chats[1]),
  },
  'sign-in': { usual: '200', act: ({ alice }: People) => alice.signIn() },
  'sign-out': { usual: '204', act: ({ alice }: People) => alice.signOut() },
  'sign-up': { usual: '202', act: ({ newcomers }: People) => newcomers.at(-1)!.signUp() },
  code: { usual: '200', act: ({ bob }: People) => bob.verify() },
  resend: { usual: '204', act: ({ bob }: People) => bob.resend() },
  'GET /infra/ready': { usual: '200', act: ({ alice }: People) => ready(alice.stage) },
}

const ready = async (stage: Stage): Promise<string> => (await stage.ask('GET', '/infra/ready')).outcome

export const outage = (group: string, outage: Outage): Case => ({
  name: outage.name,
  group,
  fault: outage.fault,
  waits: outage.waits,
  async run() {
    await using stage = await Stage.set(outage.needs)
    const people = await gather(stage)
    await outage.strike(stage, people)
    const during = await askAll(people, outage.during)
    const noted = await outage.lift?.(stage, people)
    await renew(people)
    const afterwards = await askAll(people, outage.after)
    const logged = await checkLog(stage, outage.logged ?? [], everybody(people), outage.possible)
    const { mails, twice } = await checkMails(stage, everybody(people))
    await stage.restart()
    const facts = await checkAll(everybody(people))
    checkDatabase(stage)
    const clients = [during, ...(typeof noted === 'string' ? [noted] : []), `afterwards: ${afterwards}`]
    return {
      clients: clients.join('<br>'),
      logged,
      kept: `all of ${facts} facts; ${mails} mails, ${twice || 'none'} twice`,
    }
  },
})

const everybody = ({ alice, bob, newcomers }: People): Person[] => [alice, bob, ...newcomers]

/** Each session is refreshed before: the clock may have passed its access token by. */
async function checkAll(everybody: Person[]): Promise<number> {
  let facts = 0
  for (const person of everybody) {
    facts += await settle(person)
    for (const session of person.sessions.filter(({ state }) => state === 'live'))
      must((await person.refresh(session)) === '200', `${person.username} stays signed in`)
    facts += await check(person)
  }
  return facts
}

async function gather(stage: Stage): Promise<People> {
  const people = { alice: await account(stage), bob: await withCode(stage), newcomers: [new Person(stage)] }
  await people.alice.signIn()
  await people.alice.chat()
  await people.alice.stream()
  return people
}

export async function account(stage: Stage): Promise<Person> {
  const person = await withCode(stage)
  must((await person.verify()) === '200', 'a code makes an account')
  return person
}

async function withCode(stage: Stage): Promise<Person> {
  const person = new Person(stage)
  must((await person.signUp()) === '202', 'a sign-up is accepted')
  await mustSoon(() => person.code, 'a sign-up gets its mail')
  return person
}

/** For the time after: somebody else signs up, and somebody else has a code. */
async function renew(people: People): Promise<void> {
  const { stage } = people.alice
  if (people.bob.account === 'there') {
    people.newcomers.unshift(people.bob)
    people.bob = await withCode(stage)
  }
  people.newcomers.push(new Person(stage))
}

/** Does everything, and says what was answered otherwise than usual. */
async function askAll(people: People, unusual: Outcomes = {}): Promise<string> {
  const seen = new Map<string, string[]>()
  for (const [deed, { usual, act }] of Object.entries(deeds) as Array<[Deed, (typeof deeds)[Deed]]>) {
    const expected = unusual[deed] ?? usual
    const ask = () => act(people)
    const outcome = await (expected.startsWith('503') ? ask() : patiently(people.alice.stage, ask))
    must(outcome === expected, `${deed} is answered ${expected}, not ${outcome}`)
    if (outcome !== usual) seen.set(outcome, [...(seen.get(outcome) ?? []), deed])
  }
  const lines = [...seen].map(([outcome, deeds]) => `${outcome}: ${deeds.join(', ')}`)
  return [...lines, seen.size > 0 ? 'the rest as usual' : 'all as usual'].join('; ')
}
