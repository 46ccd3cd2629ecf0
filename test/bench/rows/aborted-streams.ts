/** Whether readers who leave leave something behind. */
import { readdirSync } from 'node:fs'
import { type Agent, startModel, startParleyAgent } from '../agents/agent.ts'
import type { Row } from '../figure.ts'
import type { AbortedJob } from '../generators/aborted.ts'
import { memoryOf, outputOf, script } from '../processes.ts'

const atOnce = 50

/** A run goes on when its reader leaves: for a second, so that few go on at once. */
const answer = '20 words, every 50 ms'

export const abortedStreams: Row = {
  name: 'aborted-streams',
  async run({ quick, progress }) {
    const [before, more] = quick ? [500, 500] : [4000, 10_000]
    const model = await startModel()
    const parley = await startParleyAgent(model)
    await abandon(parley, before)
    const first = await quiet(parley)
    progress(`after ${before}: ${first.mib.toFixed()} MiB, ${first.descriptors} descriptors`)
    await abandon(parley, more)
    const last = await quiet(parley)
    progress(`after ${more} more: ${last.mib.toFixed()} MiB, ${last.descriptors} descriptors`)
    await parley.stop()
    await model.stop()
    const what = `after ${more.toLocaleString('en')} streams opened and aborted`
    const by = `itself before, after ${before.toLocaleString('en')}`
    return [
      {
        what: `Memory ${what}`,
        unit: 'MiB',
        better: 'less',
        parley: last.mib,
        floor: { value: first.mib, by },
        result: { value: last.mib / first.mib },
        target: { atMost: 1.25 },
      },
      {
        what: `Open descriptors ${what}`,
        unit: 'descriptors',
        better: 'less',
        parley: last.descriptors,
        floor: { value: first.descriptors, by },
        result: { value: last.descriptors / first.descriptors },
        target: { atMost: 1.1 },
      },
    ]
  },
}

async function abandon(agent: Agent, streams: number): Promise<void> {
  const job: AbortedJob = { ask: agent.ask(answer), streams, atOnce }
  await outputOf(script('generators/aborted.ts', JSON.stringify(job)))
}

/** Once the last runs have ended. RSS wavers, so it is the least of some seconds. */
async function quiet({ pid }: Agent) {
  const samples: number[] = []
  for (let second = 0; second < 10; second++) {
    await Bun.sleep(1000)
    samples.push(await memoryOf(pid))
  }
  return { mib: Math.min(...samples), descriptors: readdirSync(`/proc/${pid}/fd`).length }
}
