/** Opens so many streams, a few at a time, and leaves each at its first word. */
import { type Ask, read } from './ask.ts'

export type AbortedJob = { ask: Ask; streams: number; atOnce: number }

const { ask, streams, atOnce }: AbortedJob = JSON.parse(Bun.argv[2]!)
let opened = 0

async function keepLeaving(): Promise<void> {
  while (opened++ < streams) {
    const leave = new AbortController()
    await read(ask, () => leave.abort(), leave.signal).catch(error => {
      if (!leave.signal.aborted) throw error
    })
  }
}

await Promise.all(Array.from({ length: atOnce }, keepLeaving))
