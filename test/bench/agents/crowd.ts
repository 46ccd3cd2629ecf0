/** Many readers of an agent at once, in a process of their own. */
import type { Job, Told } from '../generators/streams.ts'
import { outputOf, type Server, script } from '../processes.ts'
import { type Agent, manyRequests } from './agent.ts'

type Crowd = { streams: number; words: number; manner: string }

/** Its streams are open, and the model holds them; `goOn` lets them talk to their ends. */
export type OpenCrowd = { goOn(): Promise<Talk> }
type Talk = { seconds: number; cpuMicroseconds: number }

/** Opens so many streams, all of which the model holds as it was told to. Throws where not all come whole. */
export async function openCrowd(agent: Agent, model: Server, crowd: Crowd): Promise<OpenCrowd> {
  const { streams, words, manner } = crowd
  const job: Job = { ask: agent.ask(`${words} words, ${manner}`), streams, words, cpuOf: agent.pid }
  const told = outputOf(script('generators/streams.ts', JSON.stringify(job)), { environment: manyRequests })
  // Where they do not all open, nobody asks any more.
  told.catch(() => {})
  await Promise.race([allHeld(model, streams), told])
  return {
    async goOn() {
      const began = Date.now()
      await fetch(`${model.url}/go-on`, { method: 'POST' })
      const { whole, endedAt, cpuMicroseconds } = JSON.parse(await told) as Told
      if (whole !== streams) throw new Error(`${whole} of ${streams} streams came whole.`)
      return { seconds: (endedAt - began) / 1000, cpuMicroseconds }
    },
  }
}

async function allHeld(model: Server, streams: number): Promise<void> {
  const deadline = performance.now() + 60_000
  while ((await fetch(model.url).then(response => response.json())) !== streams) {
    if (performance.now() > deadline) throw new Error(`${streams} streams did not open within a minute.`)
    await Bun.sleep(20)
  }
}
