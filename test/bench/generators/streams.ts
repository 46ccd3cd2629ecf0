/**
 * Opens so many streamed answers and reads them to their ends, all at once; a hundred at most wait for their first
 * word, as a server's queue of new connections is not what is measured. Prints, as JSON, how many came whole, when the
 * last one ended, and what CPU time a process spent on each word as long as all of them talked: from the first word
 * that follows a first one, until the first stream ends.
 */
import pLimit from 'p-limit'
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

const failures = new Set<string>()

/** Resolves with its first word; what it resolves with, when it has ended. */
async function open(): Promise<{ whole: Promise<boolean> }> {
  let mine = 0
  const speaking = Promise.withResolvers<void>()
  const whole = read(ask, count => {
    if (mine > 0) begun ??= now()
    mine += count
    heard += count
    speaking.resolve()
  })
    .catch(error => failures.add(String(error)))
    .then(() => {
      ended ??= now()
      return mine === words
    })
  await Promise.race([speaking.promise, whole])
  return { whole }
}

const opening = pLimit(100)
const opened = await Promise.all(Array.from({ length: streams }, () => opening(open)))
const whole = await Promise.all(opened.map(stream => stream.whole))
for (const failure of failures) console.error(failure)
const [from, to] = [begun ?? now(), ended ?? now()]
const told: Told = {
  whole: whole.filter(Boolean).length,
  endedAt: Date.now(),
  cpuMicroseconds: ((to.cpu - from.cpu) * 1e6) / (to.words - from.words),
}
console.log(JSON.stringify(told))
