/** What runs are saying, until they have ended: a log in the order of the words, cut off at its front. */
import type { RunEvent } from '../modules/agent-chats/events.ts'
import type { RecordEntry } from '../modules/agent-chats/recorder.ts'
import type { Database } from './database.ts'

type Row = { place: number; runId: string; events: string }

export function runRecord(database: Database) {
  const insert = database.prepare<{ place: number }, [string, string]>(
    'INSERT INTO run_record (run_id, events) VALUES (?, ?) RETURNING place',
  )
  const cut = database.prepare<null, [number]>('DELETE FROM run_record WHERE place < ?')
  const clear = database.prepare<null, []>('DELETE FROM run_record')
  const all = database.prepare<Row, []>(
    'SELECT place, run_id AS runId, events FROM run_record ORDER BY place',
  )
  /** Where the record of each open run begins, the first first. */
  const begins = new Map<string, number>()

  return {
    /** At once. False where another process is writing. */
    add: (entries: RecordEntry[]): boolean =>
      database.writeUnsynced(() => {
        for (const { runId, events } of entries) {
          const { place } = insert.get(runId, JSON.stringify(events))!
          if (!begins.has(runId)) begins.set(runId, place)
        }
      }),

    /** The run is kept as a whole: what stands before the first that is not goes. */
    drop(runId: string): void {
      if (!begins.delete(runId)) return
      const [first] = begins.values()
      database.writeUnsynced(() => (first === undefined ? clear.run() : cut.run(first)))
    },

    /** What is on record, by run. */
    read(): Map<string, RunEvent[]> {
      const byRun = new Map<string, RunEvent[]>()
      for (const { place, runId, events } of all.all()) {
        if (!begins.has(runId)) begins.set(runId, place)
        const told = byRun.get(runId) ?? []
        told.push(...(JSON.parse(events) as RunEvent[]))
        byRun.set(runId, told)
      }
      return byRun
    },
  }
}
