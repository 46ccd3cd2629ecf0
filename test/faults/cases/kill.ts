/** kill -9, again and again, on one data folder. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { emptyFolder, launchServer, startExecutable } from '../../harness/executable.ts'
import { type Case, must } from '../case.ts'
import { canBeTheft, check, checkDatabase, checkMails, checkPassword, checkTheft, settle } from '../checks.ts'
import { Crowd } from '../load.ts'
import { checkLog } from '../log.ts'
import type { Person } from '../person.ts'
import { type Random, randomFrom } from '../random.ts'
import { Stage } from '../stage.ts'

const atOnce = 8
const longestLifeMs = 1500
/** Within it a program that was just started does not listen yet, or barely. */
const startMs = 120
/** How many are looked at after each life, beside those whom it has touched. */
const looks = 20

const number = (value: number) => value.toLocaleString('en')

/** Of the tokens that the checks steal, and of answers that were being given. */
const logged = [/^a refresh token was used again too late/, /^\d+ answers? (was|were) cut off/]

export const kill: Case = {
  name: 'kill-9',
  group: 'Crashes',
  fault:
    'kill -9 at random moments, under sign-ups, codes, sign-ins, refreshes, sign-outs, changes, chats and streams',
  alone: true,
  async run({ seed, kills, progress }) {
    await using stage = await Stage.set()
    const crowd = new Crowd(stage, atOnce)
    const random = randomFrom(seed)
    let facts = 0
    for (let life = 1; life <= kills; life++) {
      const found = await lifeAndDeath(stage, crowd, random).catch(error => {
        throw new Error(`after kill ${life} of ${kills}: ${error.message}`, { cause: error })
      })
      facts += found
      progress(
        `kill ${life} of ${kills}: ${crowd.asked} requests of ${crowd.people.length} people, ${crowd.unanswered} without an answer; ${found} facts hold`,
      )
    }
    facts += await inTurn(crowd.people, check)
    const { mails, twice } = await checkMails(stage, crowd.people)
    await stage.stop()
    checkDatabase(stage)
    return {
      clients: `${number(crowd.asked)} requests, ${number(crowd.unanswered)} of them without an answer; the rest as usual`,
      logged: await checkLog(stage, [], crowd.people, logged),
      kept: `after each of ${kills} kills all that was acknowledged, ${number(facts)} facts in all; ${mails} mails, ${twice} of them twice`,
    }
  },
}

export const killAtFirstStart: Case = {
  name: 'kill-9-first-start',
  group: 'Crashes',
  fault: 'kill -9 at a random moment of the first start, in an empty folder',
  async run({ seed, kills }) {
    const random = randomFrom(seed)
    const made = new Set<string>()
    for (let time = 1; time <= kills; time++) {
      const cwd = emptyFolder()
      const started = await launchServer({ cwd })
      await Bun.sleep(random.below(startMs))
      await started.kill()
      const data = join(cwd, 'data')
      made.add(existsSync(data) ? readdirSync(data).sort().join(', ') || 'an empty folder' : 'nothing')
      const again = await startExecutable({ cwd })
      const { access_token } = await again.newUser()
      must((await again.as({ access_token })('GET', '/users/me')).status === 200, 'the next start is as any')
      await again.kill()
    }
    return {
      clients: `after each of ${kills} kills the next start serves as any`,
      logged: '',
      kept: `what was there: ${[...made].join('; or ')}`,
    }
  },
}

async function lifeAndDeath(stage: Stage, crowd: Crowd, random: Random): Promise<number> {
  let alive = true
  stage.smtp.behave(random.pick(['accept', 'slow']))
  const work = crowd.act(random.below(2 ** 31), () => alive)
  await Promise.race([work, Bun.sleep(random.below(longestLifeMs))])
  alive = false
  await stage.kill()
  await work
  // Now and then in the midst of mending what the last life has left.
  if (random.below(4) === 0) await killAtStart(stage, random)
  await stage.start()
  checkDatabase(stage)
  return lookAround(stage, crowd, random)
}

async function killAtStart(stage: Stage, random: Random): Promise<void> {
  const started = await stage.launch()
  await Bun.sleep(random.below(startMs))
  await started.kill()
}

async function lookAround(stage: Stage, crowd: Crowd, random: Random): Promise<number> {
  const { people, touched } = crowd
  const others = Array.from({ length: looks }, () => random.pick(people)).filter(each => !touched.has(each))
  let facts = await inTurn([...touched], settle)
  facts += await inTurn([...touched, ...new Set(others)], check)
  touched.clear()
  const sessions = people.flatMap(person => person.sessions.map(session => ({ person, session })))
  const stolen = sessions.filter(({ session }) => canBeTheft(session))
  if (stolen.length > 0) {
    const { person, session } = random.pick(stolen)
    facts += await checkTheft(person, session)
  }
  const owners = people.filter(({ account }) => account === 'there')
  if (owners.length > 0) facts += await checkPassword(random.pick(owners))
  return facts + (await checkMails(stage, people)).mails
}

/** So many at once; their facts together. */
async function inTurn(people: Person[], look: (person: Person) => Promise<number>): Promise<number> {
  const queue = people.values()
  const facts = Array.from({ length: atOnce }, async () => {
    let own = 0
    for (const person of queue) own += await look(person)
    return own
  })
  return (await Promise.all(facts)).reduce((sum, own) => sum + own, 0)
}
