/** What a word costs on its way through, with many streams at once. */
import { type Agent, startModel, startParleyAgent, startPipe } from '../agents/agent.ts'
import { openCrowd } from '../agents/crowd.ts'
import type { Bench, Figure, Row } from '../figure.ts'
import { alternate, median, ratioOf } from '../rounds.ts'

const streams = 400

type Agents = Record<'pipe' | 'parley', Agent>

export const tokenCost: Row = {
  name: 'token-cost',
  async run(bench) {
    const model = await startModel()
    const agents = { pipe: await startPipe(model), parley: await startParleyAgent(model) }
    const figures = [await cpu(bench, model, agents), await throughput(bench, model, agents)]
    for (const agent of [model, ...Object.values(agents)]) await agent.stop()
    return figures
  },
}

/** At the pace of a model that talks fast, which neither is saturated by: then none joins words that wait. */
async function cpu(bench: Bench, model: Agent, { parley, pipe }: Agents): Promise<Figure> {
  const talk = { streams, words: bench.quick ? 40 : 100, manner: 'every 50 ms, hold after 1' }
  const cost = (agent: Agent) => async () =>
    (await (await openCrowd(agent, model, talk)).goOn()).cpuMicroseconds
  const microseconds = await alternate(bench, bench.quick ? 1 : 5, {
    pipe: cost(pipe),
    parley: cost(parley),
  })
  return {
    what: `CPU time of a token, ${streams} streams, 20 tokens a second each`,
    unit: 'µs',
    better: 'less',
    parley: median(microseconds.parley),
    floor: { value: median(microseconds.pipe), by: 'a `streamText` pipe that keeps nothing' },
    result: { value: ratioOf(microseconds.parley, microseconds.pipe) },
    target: { atMost: 1.2 },
  }
}

async function throughput(bench: Bench, model: Agent, { parley, pipe }: Agents): Promise<Figure> {
  const talk = { streams, words: bench.quick ? 51 : 101, manner: '10 at once, hold after 1' }
  const speed = (agent: Agent) => async () =>
    (streams * (talk.words - 1)) / (await (await openCrowd(agent, model, talk)).goOn()).seconds
  const perSecond = await alternate(bench, bench.quick ? 1 : 5, { pipe: speed(pipe), parley: speed(parley) })
  return {
    what: `Tokens a second, ${streams} streams, the model as fast as it is read`,
    unit: 'tokens/s',
    better: 'more',
    parley: median(perSecond.parley),
    floor: { value: median(perSecond.pipe), by: 'a `streamText` pipe that keeps nothing' },
    result: { value: ratioOf(perSecond.parley, perSecond.pipe) },
  }
}
