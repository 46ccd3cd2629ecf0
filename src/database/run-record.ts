/** What runs are saying, until they have ended: a log in the order of the words, cut off at its front. */
import type { RunEvent } from '../modules/agent-chats/events.ts'
import type { RecordEntry } from '../modules/agent-chats/recorder.ts'
import type { Database } from './database.ts'

type Row = { place: number; runId: string; events: string }

export function runRecord(database: Database) {
  const insert = database.prepare<null, [string, string]>(
    'INSERT INTO run_record (run_id, events) VALUES (?, ?)',
  )
  const cut = database.prepare<null, [number]>('DELETE FROM run_record WHERE place < ?')
  const clear = database.prepare<null, []>('DELETE FROM run_record')
  const all = database.prepare<Row, []>(
    'SELECT place, run_id AS runId, events FROM run_record ORDER BY place',
  )
  /** Where the record of each open run begins. */
  const begins = new Map<string, number>()

  return {
    /** At once. False where another process is writing. */
    add: (entries: RecordEntry[]): boolean =>
      database.writeUnsynced(() => {
        for (const { runId, events } of entries) {
          const { lastInsertRowid } = insert.run(runId, JSON.stringify(events))
          if (!begins.has(runId)) begins.set(runId, Number(lastInsertRowid))
        }
      }),

    /** Within the step that keeps the run as a whole: what stands before the first that is not goes. */
    drop(runId: string): void {
      begins.delete(runId)
      if (begins.size === 0) clear.run()
      else cut.run(Math.min(...begins.values()))
    },

    /** Where the record of the run begins, to be held should that step come to nothing. */
    placeOf: (runId: string): number | undefined => begins.get(runId),

    hold(runId: string, place: number | undefined): void {
      if (place !== undefined) begins.set(runId, place)
    },

    /** What is on record of these runs, which are open. */
    read(runIds: string[]): Map<string, RunEvent[]> {
      const byRun = new Map<string, RunEvent[]>(runIds.map(runId => [runId, []]))
      for (const { place, runId, events } of byRun.size > 0 ? all.iterate() : []) {
        const told = byRun.get(runId)
        if (!told) continue
        if (!begins.has(runId)) begins.set(runId, place)
        for (const event of JSON.parse(events) as RunEvent[]) told.push(event)
      }
      return byRun
    },
  }
}
