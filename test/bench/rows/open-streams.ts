/** What open streams cost, and what they do to one more, from one of them to thousands. */
import { type Agent, startModel, startParleyAgent, startPipe } from '../agents/agent.ts'
import { openCrowd } from '../agents/crowd.ts'
import type { Bench, Figure, Row } from '../figure.ts'
import { firstWordMs } from '../generators/ask.ts'
import { memoryOf } from '../processes.ts'
import { startMastraAgent } from '../rivals/mastra.ts'
import { against, alternateWith, median, ratioOf, type Standing } from '../rounds.ts'

const warmUp = 50
const settleMs = 2000

/** The model's words, of which it says half before it holds the stream open. */
const talk = { words: 40, manner: 'every 50 ms, hold after 20' }

/** With so many streams open: memory of each, and milliseconds until one more says a word. */
type Open = { streams: number; kib: number; firstWordMs: number }
type Opens = Record<'parley' | 'pipe' | 'mastra', Open[]>

export const openStreams: Row = {
  name: 'open-streams',
  async run(bench) {
    const counts = bench.quick ? [1, 100, 1000] : [1, 100, 1000, 5000]
    const opens: Opens = { parley: [], pipe: [], mastra: [] }
    const once = (name: keyof Opens, start: (model: Agent) => Promise<Agent>) => async () => {
      const grown = await grow(bench, name, start, counts)
      opens[name].push(...grown)
      return grown.at(-1)!.kib
    }
    const { rivals } = await alternateWith(
      bench,
      bench.quick ? 1 : 3,
      { pipe: once('pipe', startPipe), parley: once('parley', startParleyAgent) },
      [{ name: 'Mastra', once: once('mastra', startMastraAgent) }],
      { warmUp: false },
    )
    const most = counts.slice(1)
    return [...most.map(count => memory(count, opens, rivals)), ...most.map(count => delay(count, opens))]
  },
}

const of = (opens: Open[], count: number, what: 'kib' | 'firstWordMs'): number[] =>
  opens.filter(({ streams }) => streams === count).map(open => open[what])

function memory(count: number, { parley, pipe, mastra }: Opens, rivals: Standing[]): Figure {
  const kib = of(parley, count, 'kib')
  const standings = rivals.map(rival =>
    'values' in rival ? { ...rival, values: of(mastra, count, 'kib') } : rival,
  )
  return {
    what: `Memory of each of ${count.toLocaleString('en')} open streams`,
    unit: 'KiB',
    better: 'less',
    parley: median(kib),
    floor: { value: median(of(pipe, count, 'kib')), by: 'a `streamText` pipe that keeps nothing' },
    result: { value: median(kib), unit: 'KiB' },
    target: { atMost: 200 },
    rivals: against(kib, standings, 'less', { Mastra: { atLeast: 2 } }),
  }
}

function delay(count: number, { parley }: Opens): Figure {
  const [many, one] = [of(parley, count, 'firstWordMs'), of(parley, 1, 'firstWordMs')]
  return {
    what: `First token with ${count.toLocaleString('en')} streams open and silent`,
    unit: 'ms',
    better: 'less',
    parley: median(many),
    floor: { value: median(one), by: 'itself with one' },
    result: { value: ratioOf(many, one) },
  }
}

/** A server of its own each time: memory that was needed once is not given back at once. */
async function grow(
  { progress }: Bench,
  name: string,
  start: (model: Agent) => Promise<Agent>,
  counts: number[],
): Promise<Open[]> {
  const model = await startModel()
  const agent = await start(model)
  await (await openCrowd(agent, model, { streams: warmUp, ...talk })).goOn()
  await Bun.sleep(settleMs)
  const idle = await memoryOf(agent.pid)
  const opens: Open[] = []
  for (const streams of counts) {
    const crowd = await openCrowd(agent, model, { streams, ...talk })
    await Bun.sleep(settleMs)
    const kib = ((await memoryOf(agent.pid)) - idle) * (1024 / streams)
    opens.push({ streams, kib, firstWordMs: await medianFirstWord(agent) })
    progress(`${name}, ${streams} open: ${kib.toFixed()} KiB each`)
    await crowd.goOn()
  }
  await agent.stop()
  await model.stop()
  return opens
}

async function medianFirstWord(agent: Agent): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < 40; i++) times.push(await firstWordMs(agent.ask('2 words, every 10 ms')))
  return median(times)
}
