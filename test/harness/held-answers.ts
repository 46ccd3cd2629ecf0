import { end, word } from './model.ts'

/** Answers that say a word, then wait until they are let go, or their request is closed. */
export function heldAnswers() {
  const held = new Map<string, () => void>()
  return {
    slowly: (name: string) =>
      async function* (signal: AbortSignal) {
        const { promise, resolve } = Promise.withResolvers<void>()
        held.set(name, resolve)
        signal.addEventListener('abort', () => resolve())
        yield word('first ')
        await promise
        yield word('last') + end
      },

    /** Lets the newest of this name go, once the model has been asked: a run is known before. */
    async letGo(name: string): Promise<void> {
      while (!held.has(name)) await Bun.sleep(1)
      held.get(name)!()
      held.delete(name)
    },
  }
}
