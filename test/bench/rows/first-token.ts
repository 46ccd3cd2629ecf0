/** What Parley adds to the model's own time until the first word, alone and while others are being talked to. */
import { type Agent, startModel, startParleyAgent, startPipe } from '../agents/agent.ts'
import { openCrowd } from '../agents/crowd.ts'
import type { Bench, Figure, Row } from '../figure.ts'
import { firstWordMs } from '../generators/ask.ts'
import { contestant, type Entered, entered, leave } from '../rivals/entered.ts'
import { startMastraAgent } from '../rivals/mastra.ts'
import { against, alternate, alternateWith, differences, median, ratioOf } from '../rounds.ts'

/** How long the others talk, 20 words a second each, and how long is measured meanwhile. */
const talk = { words: 40, manner: 'every 50 ms, hold after 1' }
const measuredMs = 1500

export const firstToken: Row = {
  name: 'first-token',
  async run(bench) {
    const model = await startModel()
    const agents = { model, pipe: await startPipe(model), parley: await startParleyAgent(model) }
    const rivals = [
      await entered('Mastra', () => startMastraAgent(model)),
      await entered('Mastra by Bun', () => startMastraAgent(model, 'Bun')),
    ]
    const figures: Figure[] = []
    for (const streams of [1, 50, 400]) figures.push(...(await added(bench, streams, agents, rivals)))
    await leave(rivals)
    for (const agent of Object.values(agents)) await agent.stop()
    return figures
  },
}

type Agents = Record<'model' | 'pipe' | 'parley', Agent>

async function added(
  bench: Bench,
  streams: number,
  { model, pipe, parley }: Agents,
  entries: Array<Entered<Agent>>,
): Promise<Figure[]> {
  bench.progress(`${streams} open`)
  const once = (agent: Agent) => medianFirstWord(bench, agent, model, streams)
  const own = { model: () => once(model), parley: () => once(parley) }
  const floor = await alternate(bench, bench.quick ? 1 : roundsBeside(streams), {
    ...own,
    pipe: () => once(pipe),
  })
  const ms = await alternateWith(
    bench,
    bench.quick ? 1 : 5,
    own,
    entries.map(entry => contestant(entry, once)),
  )
  const rivals = ms.rivals.map(rival =>
    'values' in rival ? { ...rival, values: differences(rival.values, ms.own.model) } : rival,
  )
  return figures(
    streams,
    differences(floor.parley, floor.model),
    differences(floor.pipe, floor.model),
    against(differences(ms.own.parley, ms.own.model), rivals, 'less', { Mastra: { atLeast: 4 } }),
  )
}

/** One round's ratio wavers by a fifth where it is near its target. */
const roundsBeside = (streams: number) => (streams < 100 ? 31 : 7)

function figures(streams: number, parley: number[], pipe: number[], rivals: Figure['rivals']): Figure[] {
  const what = `First token of a streamed answer, kept on disk, added to the model API, ${streams} open`
  const figure = { what, unit: 'ms', better: 'less', parley: median(parley) } as const
  const alone: Figure[] = [
    { ...figure, result: { value: median(parley), unit: 'ms' }, target: { atMost: 2.5 } },
  ]
  return [
    ...(streams === 1 ? alone : []),
    {
      ...figure,
      floor: { value: median(pipe), by: 'a `streamText` pipe that keeps nothing' },
      result: { value: ratioOf(parley, pipe) },
      target: { atMost: 1.5 },
      rivals,
    },
  ]
}

/** Of short answers, one after another, while all other streams talk. */
async function medianFirstWord(bench: Bench, agent: Agent, model: Agent, streams: number): Promise<number> {
  const others = streams > 1 ? await openCrowd(agent, model, { streams: streams - 1, ...talk }) : null
  const over = others?.goOn()
  if (others) await Bun.sleep(200)
  const times: number[] = []
  const until = performance.now() + measuredMs
  for (let i = 0; i < (bench.quick ? 20 : 100) && performance.now() < until; i++)
    times.push(await firstWordMs(agent.ask('2 words, every 10 ms')))
  await over
  return median(times)
}
