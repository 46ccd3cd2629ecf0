/** Asking for a streamed answer, and telling its words from the rest of what comes. */

/** As JSON, so that a generator in another process can be handed it. */
export type Ask = {
  url: string
  headers: Record<string, string>
  /** `$id` is filled in anew each time. Without one it is a GET. */
  body?: string
  /** What a line bears that brings words of the answer. */
  mark: string
}

/** Calls back with how many words each chunk brings, as long as the answer is read. */
export async function read(
  ask: Ask,
  heard: (words: number) => void,
  signal: AbortSignal | null = null,
): Promise<void> {
  const response = await fetch(ask.url, {
    method: ask.body === undefined ? 'GET' : 'POST',
    headers: { 'content-type': 'application/json', ...ask.headers },
    body: ask.body?.replaceAll('$id', () => crypto.randomUUID()),
    signal,
  })
  if (!response.ok) throw new Error(`${ask.url} answered ${response.status}: ${await response.text()}`)
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of response.body!) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop()!
    const words = lines.reduce((sum, line) => sum + (line.includes(ask.mark) ? wordsIn(line) : 0), 0)
    if (words) heard(words)
  }
}

const wordsIn = (line: string): number => line.split('word').length - 1

/** Milliseconds until the first word; the answer is read to its end, unless it is to be left there. */
export async function firstWordMs(ask: Ask, then: 'read on' | 'leave' = 'read on'): Promise<number> {
  const started = performance.now()
  const reader = new AbortController()
  let ms: number | null = null
  const heard = () => {
    ms ??= performance.now() - started
    if (then === 'leave') reader.abort()
  }
  await read(ask, heard, reader.signal).catch(error => {
    if (!reader.signal.aborted) throw error
  })
  if (ms === null) throw new Error(`${ask.url} did not say a word.`)
  return ms
}
