import { idleSeconds } from '../../../limits.ts'
import { beatWith } from './heartbeat.ts'

export type Connection = {
  request: Request
  server: { timeout(request: Request, seconds: number): void } | null
}

/** Keeps the connection of a request that waits in silence for its answer, which would be cut otherwise. */
export function patiently<T>({ request, server }: Connection, answer: Promise<T>): Promise<T> {
  const stopBeating = beatWith({ beat: () => server?.timeout(request, idleSeconds) })
  return answer.finally(stopBeating)
}
