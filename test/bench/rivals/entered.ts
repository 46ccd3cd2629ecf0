/** Rivals in a row. One that cannot be had is named with the reason, and the row goes on without it. */
import type { Server } from '../processes.ts'
import type { Contestant } from '../rounds.ts'

export type Entered<S> = { name: string } & ({ server: S } | { notMeasured: string })

export async function entered<S extends Server>(name: string, start: () => Promise<S>): Promise<Entered<S>> {
  try {
    return { name, server: await start() }
  } catch (error) {
    return { name, notMeasured: (error as Error).message }
  }
}

export const contestant = <S>(
  entry: Entered<S>,
  once: (server: S) => Promise<number>,
  note?: string,
): Contestant => ('server' in entry ? { name: entry.name, note, once: () => once(entry.server) } : entry)

export async function leave(entries: Array<Entered<Server>>): Promise<void> {
  for (const entry of entries) if ('server' in entry) await entry.server.stop()
}
