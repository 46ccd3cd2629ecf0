/** What a word costs on its way through, with many streams at once. */
import { type Agent, startModel, startParleyAgent, startPipe } from '../agents/agent.ts'
import { openCrowd } from '../agents/crowd.ts'
import type { Bench, Figure, Row } from '../figure.ts'
import { contestant, entered, leave } from '../rivals/entered.ts'
import { startMastraAgent } from '../rivals/mastra.ts'
import { against, alternateWith, median, ratioOf } from '../rounds.ts'

const streams = 400

export const tokenCost: Row = {
  name: 'token-cost',
  async run(bench) {
    const model = await startModel()
    const pipe = await startPipe(model)
    const parley = await startParleyAgent(model)
    const mastra = await entered('Mastra', () => startMastraAgent(model))
    const contest: Contest = async once => {
      const contestants = { pipe: () => once(pipe, model), parley: () => once(parley, model) }
      return alternateWith(bench, bench.quick ? 1 : 3, contestants, [
        contestant(mastra, agent => once(agent, model)),
      ])
    }
    const figures = [await cpu(bench, contest), await throughput(bench, contest)]
    await leave([mastra])
    for (const agent of [model, pipe, parley]) await agent.stop()
    return figures
  },
}

type Contest = (
  once: (agent: Agent, model: Agent) => Promise<number>,
) => ReturnType<typeof alternateWith<'pipe' | 'parley'>>

/** At the pace of a model that talks fast, which neither is saturated by: then none joins words that wait. */
async function cpu({ quick }: Bench, contest: Contest): Promise<Figure> {
  const talk = { streams, words: quick ? 40 : 60, manner: 'every 50 ms, hold after 1' }
  const { own, rivals } = await contest(async (agent, model) => {
    const crowd = await openCrowd(agent, model, talk)
    return (await crowd.goOn()).cpuMicroseconds
  })
  return {
    what: `CPU time of a token, ${streams} streams, 20 tokens a second each`,
    unit: 'µs',
    better: 'less',
    parley: median(own.parley),
    floor: { value: median(own.pipe), by: 'a `streamText` pipe that keeps nothing' },
    result: { value: ratioOf(own.parley, own.pipe) },
    target: { atMost: 1.2 },
    rivals: against(own.parley, rivals, 'less'),
  }
}

async function throughput({ quick }: Bench, contest: Contest): Promise<Figure> {
  const talk = { streams, words: quick ? 51 : 101, manner: '10 at once, hold after 1' }
  const { own, rivals } = await contest(async (agent, model) => {
    const crowd = await openCrowd(agent, model, talk)
    return (streams * (talk.words - 1)) / (await crowd.goOn()).seconds
  })
  return {
    what: `Tokens a second, ${streams} streams, the model as fast as it is read`,
    unit: 'tokens/s',
    better: 'more',
    parley: median(own.parley),
    floor: { value: median(own.pipe), by: 'a `streamText` pipe that keeps nothing' },
    result: { value: ratioOf(own.parley, own.pipe) },
    rivals: against(own.parley, rivals, 'more'),
  }
}
