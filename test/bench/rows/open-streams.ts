/** What open streams cost, and what they do to one more, from one of them to thousands. */
import { type Agent, startModel, startParleyAgent, startPipe } from '../agents/agent.ts'
import { openCrowd } from '../agents/crowd.ts'
import type { Bench, Figure, Row } from '../figure.ts'
import { firstWordMs } from '../generators/ask.ts'
import { memoryOf } from '../processes.ts'
import { median, ratioOf } from '../rounds.ts'

const warmUp = 50
const settleMs = 2000

/** The model's words, of which it says half before it holds the stream open. */
const talk = { words: 40, manner: 'every 50 ms, hold after 20' }

/** With so many streams open: memory of each, and milliseconds until one more says a word. */
type Open = { streams: number; kib: number; firstWordMs: number }

export const openStreams: Row = {
  name: 'open-streams',
  async run(bench) {
    const counts = bench.quick ? [1, 100, 1000] : [1, 100, 1000, 5000]
    const parley: Open[] = []
    const pipe: Open[] = []
    for (let round = 0; round < (bench.quick ? 1 : 3); round++) {
      parley.push(...(await grow(bench, 'parley', startParleyAgent, counts)))
      pipe.push(...(await grow(bench, 'pipe', startPipe, counts)))
    }
    return [
      ...counts.slice(1).map(count => memory(count, parley, pipe)),
      ...counts.slice(1).map(count => delay(count, parley)),
    ]
  },
}

function memory(count: number, parley: Open[], pipe: Open[]): Figure {
  const kib = (opens: Open[]) =>
    median(opens.filter(({ streams }) => streams === count).map(({ kib }) => kib))
  return {
    what: `Memory of each of ${count.toLocaleString('en')} open streams`,
    unit: 'KiB',
    better: 'less',
    parley: kib(parley),
    floor: { value: kib(pipe), by: 'a `streamText` pipe that keeps nothing' },
    result: { value: kib(parley), unit: 'KiB' },
    target: { atMost: 200 },
  }
}

function delay(count: number, parley: Open[]): Figure {
  const ms = (wanted: number) =>
    parley.filter(({ streams }) => streams === wanted).map(({ firstWordMs }) => firstWordMs)
  return {
    what: `First token with ${count.toLocaleString('en')} streams open and silent`,
    unit: 'ms',
    better: 'less',
    parley: median(ms(count)),
    floor: { value: median(ms(1)), by: 'itself with one' },
    result: { value: ratioOf(ms(count), ms(1)) },
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
