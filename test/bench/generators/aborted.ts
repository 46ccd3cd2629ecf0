/** Opens so many streams, a few at a time, and leaves each at its first word. */
import { type Ask, firstWordMs } from './ask.ts'

export type AbortedJob = { ask: Ask; streams: number; atOnce: number }

const { ask, streams, atOnce }: AbortedJob = JSON.parse(Bun.argv[2]!)
let opened = 0

async function keepLeaving(): Promise<void> {
  while (opened++ < streams) await firstWordMs(ask, 'leave')
}

await Promise.all(Array.from({ length: atOnce }, keepLeaving))
