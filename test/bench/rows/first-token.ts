/** What Parley adds to the model's own time, and what open streams cost. */
import type { Bench, Figure, Row } from '../figure.ts'
import { startParley } from '../parley.ts'
import { populate } from '../people.ts'
import { folder, memoryOf, outputOf, type Server, script, serve } from '../processes.ts'
import { alternate, median } from '../rounds.ts'

const streams = 1000
const warmUp = 50

type Place = { parley: Server; model: Server; token: string }

export const firstToken: Row = {
  name: 'first-token',
  async run(bench) {
    const added = await inPlace(place => timeAdded(bench, place))
    return [added, ...(await manyAtOnce(bench))]
  },
}

async function inPlace<T>(work: (place: Place) => Promise<T>): Promise<T> {
  const dataDir = folder()
  const [person] = await populate(dataDir, 1000, 1)
  const model = await serve(script('floors/model-api.ts'))
  const parley = await startParley(dataDir, {
    OPENAI_BASE_URL: `${model.url}/v1`,
    AGENT_MODEL: 'bench',
    AGENT_MAX_RUNS: String(streams),
  })
  const result = await work({ parley, model, token: person!.accessToken })
  await Promise.all([parley.stop(), model.stop()])
  return result
}

async function timeAdded(bench: Bench, { parley, model, token }: Place): Promise<Figure> {
  const answers = bench.quick ? 20 : 100
  const medianOf = async (once: () => Promise<number>) => {
    const times: number[] = []
    for (let i = 0; i < answers; i++) times.push(await once())
    return median(times)
  }
  const messages = [{ role: 'user', content: 'Say something.' }]
  const ms = await alternate(bench, bench.quick ? 3 : 7, {
    parley: () =>
      medianOf(() =>
        firstPiece(
          `${parley.url}/agent-chats`,
          { accept: 'text/event-stream', authorization: `Bearer ${token}` },
          { message: 'Say something.' },
          'TEXT_MESSAGE_CONTENT',
        ),
      ),
    bare: () =>
      medianOf(() =>
        firstPiece(
          `${model.url}/v1/chat/completions`,
          {},
          { model: 'bench', stream: true, messages },
          'word',
        ),
      ),
  })
  return {
    what: 'First token of a streamed answer, kept on disk, added to the model API',
    unit: 'ms',
    parley: median(ms.parley),
    floor: { value: median(ms.bare), by: 'the model API, read directly' },
    result: { value: median(ms.parley.map((value, i) => value - ms.bare[i]!)), unit: 'ms' },
    target: { atMost: 2.5 },
  }
}

/** Milliseconds until the answer to a request shows the mark; the answer is read to its end. */
async function firstPiece(
  url: string,
  headers: Record<string, string>,
  body: object,
  mark: string,
): Promise<number> {
  const started = performance.now()
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  let time: number | null = null
  const decoder = new TextDecoder()
  for await (const chunk of response.body!)
    if (time === null && decoder.decode(chunk).includes(mark)) time = performance.now() - started
  if (time === null) throw new Error(`${url} answered ${response.status} without a word.`)
  return time
}

/** A server of its own each time: memory that was needed once is not given back at once. */
async function manyAtOnce({ quick, progress }: Bench): Promise<Figure[]> {
  const rounds: Array<{ idle: number; open: number; completed: number }> = []
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    rounds.push(await inPlace(memoryOpen))
    const { idle, open, completed } = rounds.at(-1)!
    progress(`${completed} of ${streams} completed; ${idle.toFixed()} MiB idle, ${open.toFixed()} MiB open`)
  }
  const completed = Math.min(...rounds.map(({ completed }) => completed))
  return [
    {
      what: `Streams completed, of ${streams} open at once`,
      unit: 'streams',
      parley: completed,
      result: { value: completed, unit: 'streams' },
      target: { atLeast: streams },
    },
    {
      what: `Memory with ${streams} streams open, for each`,
      unit: 'MiB',
      parley: median(rounds.map(({ open }) => open)),
      floor: { value: median(rounds.map(({ idle }) => idle)), by: `itself with none, after ${warmUp}` },
      result: {
        value: median(rounds.map(({ open, idle }) => ((open - idle) * 1024) / streams)),
        unit: 'KiB',
      },
      target: { atMost: 200 },
    },
  ]
}

async function memoryOpen(place: Place) {
  await hold(place, warmUp)
  await Bun.sleep(3000)
  const idle = await memoryOf(place.parley.pid)
  const { memory: open, completed } = await hold(place, streams)
  return { idle, open, completed }
}

/** Opens so many streams, weighs the server three seconds after all have come half their way, and lets them end. */
async function hold({ parley, model, token }: Place, count: number) {
  const readers = script('generators/streams.ts', `${parley.url}/agent-chats`, token, String(count))
  const completed = outputOf(readers, { environment: { BUN_CONFIG_MAX_HTTP_REQUESTS: '65336' } })
  await heldBy(model, count)
  await Bun.sleep(3000)
  const memory = await memoryOf(parley.pid)
  await fetch(`${model.url}/go-on`, { method: 'POST' })
  return { memory, completed: Number(await completed) }
}

async function heldBy(model: Server, count: number): Promise<void> {
  const deadline = performance.now() + 60_000
  while ((await fetch(model.url).then(response => response.json())) !== count) {
    if (performance.now() > deadline) throw new Error(`${count} streams did not open within a minute.`)
    await Bun.sleep(20)
  }
}
