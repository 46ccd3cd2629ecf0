/** Whether our readers of streams count and time rightly: by a server that knows what it said, and when. */
import type { Figure, Row } from '../figure.ts'
import type { Known } from '../floors/known-stream.ts'
import { type Ask, firstWordMs } from '../generators/ask.ts'
import type { Job, Told } from '../generators/streams.ts'
import { outputOf, script, serve } from '../processes.ts'
import { median } from '../rounds.ts'

const streams = 400
const words = 40

export const generators: Row = {
  name: 'generators',
  async run({ progress }) {
    const server = await serve(script('floors/known-stream.ts'))
    const ask: Ask = { url: server.url, headers: {}, body: '', mark: 'data:' }
    const job: Job = { ask, streams, words, cpuOf: server.pid }
    const crowd = outputOf(script('generators/streams.ts', JSON.stringify(job)))
    while ((await known(server.url)).firstWordsMs.length < streams) await Bun.sleep(20)
    const read = await Promise.all(
      Array.from({ length: 20 }, (_, i) => Bun.sleep(i * 50).then(() => firstWordMs(ask))),
    )
    const told = JSON.parse(await crowd) as Told
    const truth = await known(server.url)
    await server.stop()
    progress(`${told.whole} whole of ${streams}; ${truth.words} words were said`)
    return [counted(told), timed(median(read), median(truth.firstWordsMs.slice(streams)))]
  },
}

const known = (url: string): Promise<Known> => fetch(url).then(response => response.json() as Promise<Known>)

const counted = ({ whole }: Told): Figure => ({
  what: `Our reader of streams: found whole, word for word`,
  unit: 'streams',
  better: 'more',
  parley: whole,
  floor: { value: streams, by: 'a server that says what it sent' },
  result: { value: whole / streams },
  target: { atLeast: 1 },
})

const timed = (read: number, truth: number): Figure => ({
  what: `Our reader of streams: first word, beside ${streams} others`,
  unit: 'ms',
  better: 'less',
  parley: read,
  floor: { value: truth, by: 'by the clock of the server that says it' },
  result: { value: read - truth, unit: 'ms' },
  target: { atMost: 1 },
})
