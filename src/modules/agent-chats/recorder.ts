/**
 * Puts what is said on record before readers get it: whatever somebody was told is there after the process
 * has been killed. All runs that said something in one turn of the event loop share a write, which does not
 * wait for the disk.
 */
import type { AppError } from '../../errors.ts'
import type { RunEvent } from './events.ts'
import type { Run } from './run.ts'
import { Reader } from './transcript.ts'

/** What was said in a run since the entry before. */
export type RecordEntry = { runId: string; events: RunEvent[] }

/** Until the next try, where another process is writing to the file. */
const busyMs = 20

export class Recorder {
  readonly #reading = new Map<Run, Reader>()
  readonly #speaking = new Set<Run>()
  #due = false

  /** @param write at once; false where it has to be tried again. Throws an AppError where it is of no use. */
  constructor(private readonly write: (entries: RecordEntry[]) => boolean) {}

  /** From now on what is said in the run waits to be on record. */
  begin(run: Run): void {
    const { transcript } = run
    this.#reading.set(run, new Reader(transcript, transcript.length, 'length'))
    transcript.recorder = () => {
      this.#speaking.add(run)
      this.#schedule()
    }
  }

  /** The run is over, and its record is kept as a whole. */
  end(run: Run): void {
    run.transcript.recorder = null
    this.#reading.delete(run)
    this.#speaking.delete(run)
  }

  /** @param waitMs left out, the end of this turn of the event loop: the busier it is, the more share a write */
  #schedule(waitMs?: number): void {
    if (this.#due) return
    this.#due = true
    if (waitMs === undefined) setImmediate(() => this.#record())
    else setTimeout(() => this.#record(), waitMs)
  }

  #record(): void {
    this.#due = false
    if (this.#speaking.size === 0) return
    const runs = [...this.#speaking]
    const places = runs.map(run => this.#reading.get(run)!.id)
    try {
      if (!this.write(runs.map(run => ({ runId: run.id, events: this.#news(run) })))) {
        this.#goBack(runs, places)
        this.#schedule(busyMs)
        return
      }
    } catch (error) {
      // What cannot be kept is not worth saying.
      for (const run of runs) run.abort(error as AppError)
    }
    this.#speaking.clear()
    for (const run of runs) run.transcript.keep()
  }

  #news(run: Run): RunEvent[] {
    return [...this.#reading.get(run)!.rest()]
  }

  #goBack(runs: Run[], places: number[]): void {
    for (const [i, run] of runs.entries())
      this.#reading.set(run, new Reader(run.transcript, places[i], 'length'))
  }
}
