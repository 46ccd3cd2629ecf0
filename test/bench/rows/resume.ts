/** How long somebody who comes back waits for what they have missed. */
import { type Agent, startModel, startParleyAgent } from '../agents/agent.ts'
import { openCrowd } from '../agents/crowd.ts'
import type { Bench, Figure, Row } from '../figure.ts'
import { type Ask, firstWordMs, read } from '../generators/ask.ts'
import { alternate, median } from '../rounds.ts'

const measuredMs = 1500
const others = { streams: 399, words: 40, manner: 'every 50 ms, hold after 1' }

export const resume: Row = {
  name: 'resume',
  async run(bench) {
    const model = await startModel()
    const parley = await startParleyAgent(model)
    const ms = await alternate(bench, bench.quick ? 1 : 3, {
      'goes on': async () => medianFirst(bench, await underWay(parley)),
      'has ended': async () => medianFirst(bench, await ended(parley)),
      'goes on beside 399 others': async () => {
        const crowd = await openCrowd(parley, model, others)
        const ask = await underWay(parley)
        const over = crowd.goOn()
        await Bun.sleep(200)
        const first = await medianFirst(bench, ask)
        await over
        return first
      },
    })
    await parley.stop()
    await model.stop()
    return Object.entries(ms).map(
      ([how, values]): Figure => ({
        what: `Resume of a run that ${how}, to its first event`,
        unit: 'ms',
        better: 'less',
        parley: median(values),
        result: { value: median(values), unit: 'ms' },
        target: { atMost: 20 },
      }),
    )
  },
}

async function medianFirst({ quick }: Bench, ask: Ask): Promise<number> {
  const times: number[] = []
  const until = performance.now() + measuredMs
  for (let i = 0; i < (quick ? 20 : 100) && performance.now() < until; i++) {
    await Bun.sleep(10)
    times.push(await firstWordMs(ask, 'leave'))
  }
  return median(times)
}

/** A run that goes on for longer than is measured, with something said. */
async function underWay(parley: Agent): Promise<Ask> {
  const ask = await eventsOf(parley, '200 words, every 50 ms')
  await Bun.sleep(500)
  return ask
}

async function ended(parley: Agent): Promise<Ask> {
  const ask = await eventsOf(parley, '200 words')
  await read(ask, () => {})
  return ask
}

/** Starts a run, leaves it, and asks for its events after the first words: ids count characters. */
async function eventsOf(parley: Agent, message: string): Promise<Ask> {
  const { url, headers, body, mark } = parley.ask(message)
  const sent = { 'content-type': 'application/json', ...headers }
  const response = await fetch(url, { method: 'POST', headers: sent, body })
  const reader = response.body!.getReader()
  const started = new TextDecoder().decode((await reader.read()).value)
  await reader.cancel()
  const [runId, chatId] = ['run_id', 'session_id'].map(
    name => new RegExp(`"${name}":"([^"]+)"`).exec(started)?.[1],
  )
  if (!runId || !chatId) throw new Error(`No run was started: ${started}`)
  return {
    url: `${url}/${chatId}/runs/${runId}/events`,
    headers: { ...headers, 'last-event-id': '20' },
    mark,
  }
}
