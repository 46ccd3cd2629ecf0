/**
 * Opens so many streamed answers at once and reads them to their ends. Prints, as JSON, how many came whole, when the
 * last one ended, and what CPU time a process spent on each word as long as all of them talked: from the first word
 * that follows a first one, until the first stream ends.
 */
import { cpuSecondsOf } from '../processes.ts'
import { type Ask, read } from './ask.ts'

export type Job = { ask: Ask; streams: number; words: number; cpuOf: number }
export type Told = { whole: number; endedAt: number; cpuMicroseconds: number }

const { ask, streams, words, cpuOf }: Job = JSON.parse(Bun.argv[2]!)
let heard = 0
let begun: Moment | null = null
let ended: Moment | null = null

type Moment = { words: number; cpu: number }

const now = (): Moment => ({ words: heard, cpu: cpuSecondsOf(cpuOf) })

async function isWhole(): Promise<boolean> {
  let mine = 0
  try {
    await read(ask, count => {
      if (mine > 0) begun ??= now()
      mine += count
      heard += count
    })
  } catch (error) {
    console.error(String(error))
  }
  ended ??= now()
  return mine === words
}

const whole = await Promise.all(Array.from({ length: streams }, isWhole))
const [from, to] = [begun ?? now(), ended ?? now()]
const told: Told = {
  whole: whole.filter(Boolean).length,
  endedAt: Date.now(),
  cpuMicroseconds: ((to.cpu - from.cpu) * 1e6) / (to.words - from.words),
}
console.log(JSON.stringify(told))
