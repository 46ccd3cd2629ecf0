/** What open streams cost, and what they do to one more, from one of them to thousands. */
import { type Agent, startModel, startParleyAgent, startPipe } from '../agents/agent.ts'
import { openCrowd } from '../agents/crowd.ts'
import type { Bench, Figure, Row } from '../figure.ts'
import { firstWordMs } from '../generators/ask.ts'
import { memoryOf, stopping } from '../processes.ts'
import { startMastraAgent } from '../rivals/mastra.ts'
import { against, alternateWith, median, ratioOf, type Standing } from '../rounds.ts'

/** Thousands of others' streams would take the bench minutes. */
const forAll = [1, 100, 1000]
const forParley = 5000

const warmUp = 50
const settleMs = 1500

/** The model's words, of which it says half before it holds the stream open. */
const talk = { words: 20, manner: 'every 50 ms, hold after 10' }

/** With so many streams open: memory of each, and milliseconds until one more says a word. */
type Open = { streams: number; kib: number; firstWordMs: number }
type Opens = Record<'parley' | 'pipe' | 'mastra', Open[]>

export const openStreams: Row = {
  name: 'open-streams',
  async run(bench) {
    const opens: Opens = { parley: [], pipe: [], mastra: [] }
    const counts = bench.quick ? forAll : [...forAll, forParley]
    const once = (name: keyof Opens, start: (model: Agent) => Promise<Agent>) => async () => {
      const grown = await grow(bench, name, start, name === 'parley' ? counts : forAll)
      opens[name].push(...grown)
      return grown.at(-1)!.kib
    }
    const { rivals } = await alternateWith(
      bench,
      bench.quick ? 1 : 2,
      { pipe: once('pipe', startPipe), parley: once('parley', startParleyAgent) },
      [{ name: 'Mastra', once: once('mastra', model => startMastraAgent(model)) }],
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
  const floor = of(pipe, count, 'kib')
  const standings = rivals.map(rival => standingAt(rival, of(mastra, count, 'kib')))
  return {
    what: `Memory of each of ${count.toLocaleString('en')} open streams`,
    unit: 'KiB',
    better: 'less',
    parley: median(kib),
    floor:
      floor.length > 0 ? { value: median(floor), by: 'a `streamText` pipe that keeps nothing' } : undefined,
    result: { value: median(kib), unit: 'KiB' },
    target: { atMost: 200 },
    // Of a hundred the difference is within what a heap grows by in one step.
    rivals: against(kib, standings, 'less', count < 1000 ? {} : { Mastra: { atLeast: 2 } }),
  }
}

function standingAt({ name, ...rival }: Standing, values: number[]): Standing {
  if ('notMeasured' in rival) return { name, ...rival }
  if (values.length > 0) return { name, values }
  return { name, notMeasured: `it was asked for ${forAll.at(-1)!.toLocaleString('en')} at most` }
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
  await using model = stopping(await startModel())
  await using agent = stopping(await start(model))
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
  return opens
}

async function medianFirstWord(agent: Agent): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < 40; i++) times.push(await firstWordMs(agent.ask('2 words, every 10 ms')))
  return median(times)
}
