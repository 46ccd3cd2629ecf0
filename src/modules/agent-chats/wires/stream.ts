/** A run as server-sent events (WHATWG HTML, 9.2), in whichever form its reader speaks. */
import { log, reason } from '../../../log.ts'
import type { RunEvent } from '../events.ts'
import type { Run } from '../run.ts'
import { Reader } from '../transcript.ts'
import { beatMs, beatWith } from './heartbeat.ts'

/** A wire format: what is written for what happens. '' where it has no word for it. */
export interface Wire {
  /** Before all events. */
  begin?(): string
  /** @param id the event's place in the run */
  event(event: RunEvent, id: number): string
  /** The end for a reader whose session has ended. */
  signedOut(): string
}

export type Reading = {
  run: Run
  wire: Wire
  /** Whether the reader is still signed in; asked every two seconds. */
  isAlive: () => boolean
  /** The place after which to begin. */
  after: number
}

/** In characters, each time the connection can take more: all of a run that waits for a slow reader. */
const chunkLength = 16 * 1024

/** Proxies give up on a silent connection after a minute, some after half of it. */
const silenceMs = 10_000

/** One frame. */
export const frame = (data: unknown, id?: number): string =>
  `${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`

/** @param isHead whether the headers alone were asked for */
export function eventStream(
  reading: Reading,
  headers: Record<string, string> = {},
  isHead = false,
): Response {
  return new Response(isHead ? null : bodyOf(reading), {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      // Some proxies hold a stream back until it ends, unless told.
      'x-accel-buffering': 'no',
      ...headers,
    },
  })
}

function bodyOf(reading: Reading): ReadableStream<Uint8Array> {
  const frames = new Frames(reading)
  const body = new ReadableStream<string>(
    {
      pull: async controller => {
        const next = await frames.next()
        if (next) controller.enqueue(next)
        if (frames.over) controller.close()
      },
      // The reader has left; the run goes on.
      cancel: () => frames.end(),
    },
    { highWaterMark: 0 },
  )
  return body as unknown as ReadableStream<Uint8Array>
}

/** What one reader is to be sent next: it looks into the transcript only when the connection can take more. */
class Frames {
  over = false
  readonly #reader: Reader
  readonly #unwatch: () => void
  readonly #stopBeating: () => void
  #begun = false
  #wake = () => {}
  #silentMs = 0
  #signedOut = false

  constructor(private readonly reading: Reading) {
    const { transcript } = reading.run
    this.#reader = new Reader(transcript, reading.after)
    this.#unwatch = transcript.watch(() => this.#wake())
    this.#stopBeating = beatWith(this)
  }

  /** Waits until there is something to send; '' at the end. */
  async next(): Promise<string> {
    for (;;) {
      const frames = this.#take()
      if (frames || this.over) return frames
      await new Promise<void>(wake => {
        this.#wake = wake
      })
    }
  }

  beat(): void {
    this.#signedOut ||= !this.#mayRead()
    this.#silentMs += beatMs
    if (this.#signedOut || this.#silentMs >= silenceMs) this.#wake()
  }

  end(): void {
    this.over = true
    this.#unwatch()
    this.#stopBeating()
    this.#wake()
  }

  /** A question that fails, the server being on its way down, signs nobody out. */
  #mayRead(): boolean {
    try {
      return this.reading.isAlive()
    } catch (error) {
      log.debug('a reader could not be looked up: {reason}', { reason: reason(error) })
      return true
    }
  }

  #take(): string {
    if (this.over) return ''
    if (this.#signedOut) {
      this.end()
      return this.reading.wire.signedOut()
    }
    // Without a first byte the reader would not even hear that it is connected.
    const silent = this.#begun && this.#silentMs < silenceMs
    const frames = this.#takeEvents()
    if (this.#reader.done) this.end()
    if (!frames && silent) return ''
    this.#silentMs = 0
    return frames || ': \n\n'
  }

  #takeEvents(): string {
    const { wire } = this.reading
    let frames = this.#begun ? '' : (wire.begin?.() ?? '')
    this.#begun = true
    while (frames.length < chunkLength) {
      const event = this.#reader.take()
      if (!event) break
      frames += wire.event(event, this.#reader.id)
    }
    return frames
  }
}
