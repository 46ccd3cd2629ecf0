import { readdirSync, readFileSync } from 'node:fs'
import { constants, setPriority } from 'node:os'

const tasks = '/proc/self/task'
const yielding = new Set<string>()

/**
 * Gives the threads of Bun's pool, where passwords are hashed, the lowest priority, so that a flood of
 * sign-ins takes only the time that the event loop leaves. A thread is there once it has had work, so call this
 * with each hash until it answers true. Where the system has no such files it does nothing.
 * @param threads how many hash at once
 */
export function yieldToEventLoop(threads: number): boolean {
  try {
    for (const id of readdirSync(tasks)) if (!yielding.has(id) && isOfPool(id)) lower(id)
    return yielding.size >= threads
  } catch {
    return true
  }
}

const isOfPool = (id: string) => readFileSync(`${tasks}/${id}/comm`, 'utf8').startsWith('Bun Pool')

function lower(id: string): void {
  // Linux takes a thread's id here as well as a process's (setpriority(2), "C library/kernel differences").
  setPriority(Number(id), constants.priority.PRIORITY_LOW)
  yielding.add(id)
}
