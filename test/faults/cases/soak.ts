/** Load for a long time: nothing may grow with it. */
import { type Case, must, NotHere } from '../case.ts'
import { check, checkDatabase, checkMails } from '../checks.ts'
import { Crowd } from '../load.ts'
import { checkLog } from '../log.ts'
import { account } from '../outage.ts'
import type { Person } from '../person.ts'
import { descriptorsOf, hasProc, memoryOf } from '../process.ts'
import { Stage } from '../stage.ts'

/** MiB, a number, and the milliseconds of a signed-in read. */
type Sample = { memory: number; descriptors: number; latency: number }

/**
 * The median of the last third may be so much above that of the second; the first is for warming up. Whatever
 * grows passes a fixed bound when it is given time; the noise of a busy machine does not pass these.
 */
const bounds: Record<keyof Sample, { most(before: number): number; say(value: number): string }> = {
  memory: { most: before => before * 1.1 + 24, say: value => `${Math.round(value)} MiB of memory` },
  descriptors: { most: before => before + 20, say: value => `${value} descriptors` },
  latency: { most: before => before * 3 + 20, say: value => `${value.toFixed(1)} ms for a read` },
}

const sampleMs = 100
const progressMs = 15_000

export const soak: Case = {
  name: 'soak',
  group: 'Time',
  fault: 'Four people at a time do all that people do, one after another',
  alone: true,
  async run({ seed, soakMinutes, progress }) {
    if (!hasProc) throw new NotHere('memory and descriptors are read in /proc, which is not here')
    await using stage = await Stage.set()
    const crowd = new Crowd(stage, 4)
    const until = performance.now() + soakMinutes * 60_000
    const goOn = () => performance.now() < until
    const watched = watch(stage, await account(stage), goOn, seen =>
      progress(`${crowd.asked} requests, ${seen}`),
    )
    const [samples] = await Promise.all([watched, crowd.act(seed, goOn)])
    const seen = (['memory', 'descriptors', 'latency'] as const).map(of => flat(samples, of))
    progress(seen.join('; '))

    let facts = 0
    for (const person of crowd.people.slice(-50)) facts += await check(person)
    const { mails } = await checkMails(stage, crowd.people)
    checkDatabase(stage)
    return {
      clients: `${crowd.asked.toLocaleString('en')} requests in ${soakMinutes} min, as usual<br>${seen.join('<br>')}`,
      logged: await checkLog(stage, [], crowd.people),
      kept: `all of ${facts} facts of the last 50 people; ${mails} mails, none twice`,
    }
  },
}

async function watch(
  stage: Stage,
  reader: Person,
  goOn: () => boolean,
  progress: (seen: string) => void,
): Promise<Sample[]> {
  const { pid } = stage.parley
  const samples: Sample[] = []
  for (let told = performance.now(); goOn(); await Bun.sleep(sampleMs)) {
    const started = performance.now()
    // An access token lives an hour.
    if ((await reader.read()) !== '200') await reader.refresh()
    const latency = performance.now() - started
    samples.push({ memory: memoryOf(pid), descriptors: descriptorsOf(pid), latency })
    // What the model was sent is of no use here, and would grow on our side.
    stage.parts.model.requests.length = 0
    if (performance.now() - told < progressMs) continue
    progress(`${Math.round(samples.at(-1)!.memory)} MiB, ${samples.at(-1)!.descriptors} descriptors`)
    told = performance.now()
  }
  return samples
}

/** Throws where it has grown; says how it was. */
function flat(samples: Sample[], of: keyof Sample): string {
  const { most, say } = bounds[of]
  const third = Math.floor(samples.length / 3)
  const before = median(samples.slice(third, 2 * third).map(sample => sample[of]))
  const after = median(samples.slice(2 * third).map(sample => sample[of]))
  must(after <= most(before), `${say(before)} may become ${say(most(before))}, not ${say(after)}`)
  return `${say(before)}, then ${say(after)}`
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!
