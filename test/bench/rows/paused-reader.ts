/** What a server holds for a reader who does not read. */
import { type Agent, startModel, startParleyAgent, startPipe } from '../agents/agent.ts'
import type { Figure, Row } from '../figure.ts'
import { firstWordMs } from '../generators/ask.ts'
import { background, memoryOf, script } from '../processes.ts'
import { alternate, median } from '../rounds.ts'

/** 40 MB. */
const answer = '40000 words of 1000 characters, 10 at once'
const answerMiB = 40_000_000 / 1024 ** 2

/** Long enough for any of them to take the whole answer, if it does. */
const pauseMs = 5000

type Names = 'parley' | 'pipe'

export const pausedReader: Row = {
  name: 'paused-reader',
  async run(bench) {
    const peaks: Record<Names, number[]> = { parley: [], pipe: [] }
    const contestant = (name: Names, start: (model: Agent) => Promise<Agent>) => async () => {
      const { held, peak } = await paused(start)
      peaks[name].push(peak)
      return held
    }
    const contestants = {
      pipe: contestant('pipe', startPipe),
      parley: contestant('parley', startParleyAgent),
    }
    const held = await alternate(bench, bench.quick ? 1 : 3, contestants, { warmUp: false })
    return [
      {
        ...figure('Memory held for an answer of 40 MB that its reader does not read', held),
        target: { lessThan: answerMiB },
      },
      figure('The same, at its highest', peaks),
    ]
  },
}

const figure = (what: string, { parley, pipe }: Record<Names, number[]>): Figure => ({
  what,
  unit: 'MiB',
  better: 'less',
  parley: median(parley),
  floor: { value: median(pipe), by: 'a `streamText` pipe, which waits for the reader' },
  result: { value: median(parley), unit: 'MiB' },
})

/** MiB that a server has in use on top of what it had before: at the end of the pause, and at most. */
async function paused(start: (model: Agent) => Promise<Agent>): Promise<{ held: number; peak: number }> {
  const model = await startModel()
  const agent = await start(model)
  for (let i = 0; i < 50; i++) await firstWordMs(agent.ask('40 words'))
  await Bun.sleep(1000)
  const before = await memoryOf(agent.pid)
  const reader = background(script('generators/paused.ts', JSON.stringify(agent.ask(answer))))
  let [held, peak] = [0, 0]
  for (const until = performance.now() + pauseMs; performance.now() < until; await Bun.sleep(50)) {
    held = (await memoryOf(agent.pid)) - before
    peak = Math.max(peak, held)
  }
  for (const program of [reader, agent, model]) await program.stop()
  return { held, peak }
}
