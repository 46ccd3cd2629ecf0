/** People who do all that people do, at once, by the draws of a seed. */
import { must } from './case.ts'
import { Person } from './person.ts'
import type { Random } from './random.ts'
import { randomFrom } from './random.ts'
import type { Stage } from './stage.ts'

type Action = {
  /** How often, among those that the person can do. */
  weight: number
  can(person: Person): boolean
  act(person: Person, random: Random): Promise<string>
  /** Beside 'no answer'. */
  answers: string[]
}

const isSignedIn = (person: Person) => person.session !== undefined
/** Whoever leaves a stream leaves an answer that goes on. */
const busy = ['409 run_in_progress', '429 too_many_runs, Retry-After 5']

const actions: Action[] = [
  {
    weight: 20,
    can: ({ account }) => account === 'none',
    act: person => person.signUp(),
    answers: ['202'],
  },
  {
    weight: 20,
    can: ({ account, code }) => account === 'begun' && code !== null,
    act: person => person.verify(),
    answers: ['200'],
  },
  {
    weight: 2,
    can: ({ account, sessions }) => account === 'there' && sessions.length < 8,
    act: person => person.signIn(),
    answers: ['200'],
  },
  { weight: 6, can: isSignedIn, act: person => person.refresh(), answers: ['200'] },
  { weight: 6, can: isSignedIn, act: person => person.change(), answers: ['200'] },
  { weight: 2, can: isSignedIn, act: person => person.read(), answers: ['200'] },
  { weight: 2, can: isSignedIn, act: person => person.signOut(), answers: ['204'] },
  {
    weight: 3,
    can: isSignedIn,
    act: (person, random) => person.chat(undefined, chatOf(person, random)),
    answers: ['200', ...busy],
  },
  {
    weight: 5,
    can: isSignedIn,
    act: (person, random) => person.stream(undefined, chatOf(person, random), random.below(4) === 0),
    answers: ['200 RUN_FINISHED', '200, left', ...busy],
  },
]

const longestChat = 16

/** One of theirs that is not too long, or a new one. */
function chatOf(person: Person, random: Random) {
  const open = person.chats.filter(({ said }) => said.length < longestChat)
  return open.length > 0 && random.below(3) > 0 ? random.pick(open) : person.newChat()
}

/** A crowd that grows: those who have been there for long make room for newcomers, and are remembered. */
export class Crowd {
  readonly people: Person[] = []
  /** Who has asked anything since the last look. */
  readonly touched = new Set<Person>()
  asked = 0
  unanswered = 0
  readonly #busy = new Set<Person>()

  constructor(
    private readonly stage: Stage,
    private readonly atOnce: number,
  ) {}

  /** Until told to stop, and until all have their answers, or none. */
  async act(seed: number, goOn: () => boolean): Promise<void> {
    const workers = Array.from({ length: this.atOnce }, (_, worker) => randomFrom(seed * 31 + worker))
    await Promise.all(workers.map(random => this.#work(random, goOn)))
  }

  async #work(random: Random, goOn: () => boolean): Promise<void> {
    while (goOn()) {
      const person = this.#choose(random)
      this.#busy.add(person)
      this.touched.add(person)
      await this.#actOnce(person, random)
      this.#busy.delete(person)
    }
  }

  /** Among the newest, who have not done everything yet. */
  #choose(random: Random): Person {
    const free = this.people.slice(-3 * this.atOnce).filter(person => !this.#busy.has(person))
    if (free.length > 0 && random.below(25) > 0) return random.pick(free)
    const newcomer = new Person(this.stage)
    this.people.push(newcomer)
    return newcomer
  }

  async #actOnce(person: Person, random: Random): Promise<void> {
    const possible = actions.filter(({ can }) => can(person))
    if (possible.length === 0) return Bun.sleep(5)
    const action = random.pick(possible.flatMap(action => Array<Action>(action.weight).fill(action)))
    const outcome = await action.act(person, random)
    this.asked++
    if (outcome === 'no answer') this.unanswered++
    else
      must(
        action.answers.includes(outcome),
        `${person.username} is answered ${action.answers.join(' or ')}, not ${outcome}`,
      )
  }
}
