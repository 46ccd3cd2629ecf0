/** One clock for all open streams, so that a thousand of them need no thousand timers. */
export interface Beating {
  beat(): void
}

export const beatMs = 2000

const streams = new Set<Beating>()
let clock: Timer | null = null

/** Calls `beat` every two seconds, until the returned function is called. */
export function beatWith(stream: Beating): () => void {
  streams.add(stream)
  clock ??= setInterval(() => {
    for (const each of streams) each.beat()
  }, beatMs)
  return () => {
    streams.delete(stream)
    if (streams.size > 0 || !clock) return
    clearInterval(clock)
    clock = null
  }
}
