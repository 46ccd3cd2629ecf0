/** A run as server-sent events (WHATWG HTML, 9.2): one event of the contract's shape a frame. */
import { AppError } from '../../../errors.ts'
import type { Locale } from '../../../texts/index.ts'
import type { Run } from '../run.ts'
import { Reader } from '../transcript.ts'
import { beatMs, beatWith } from './heartbeat.ts'
import { viewOf } from './view.ts'

/** In characters, each time the connection can take more: all of a run that waits for a slow reader. */
const chunkLength = 16 * 1024

/** Proxies give up on a silent connection after a minute, some after half of it. */
const silenceMs = 10_000

/**
 * @param isAlive whether the reader is still signed in; asked every two seconds
 * @param after the id of the last event that the reader has
 */
export function eventStream(run: Run, locale: Locale, isAlive: () => boolean, after = 0): Response {
  const frames = new Frames(run, locale, isAlive, after)
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
  return new Response(body as unknown as ReadableStream<Uint8Array>, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'content-language': locale,
      vary: 'Accept, Accept-Language',
      // Some proxies hold a stream back until it ends, unless told.
      'x-accel-buffering': 'no',
    },
  })
}

/** What one reader is to be sent next: it looks into the transcript only when the connection can take more. */
class Frames {
  over = false
  readonly #reader: Reader
  readonly #unwatch: () => void
  readonly #stopBeating: () => void
  #wake = () => {}
  #silentMs = 0
  #signedOut = false

  constructor(
    private readonly run: Run,
    private readonly locale: Locale,
    private readonly isAlive: () => boolean,
    after: number,
  ) {
    this.#reader = new Reader(run.transcript, after)
    this.#unwatch = run.transcript.watch(() => this.#wake())
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
      return this.isAlive()
    } catch {
      return true
    }
  }

  #take(): string {
    if (this.over) return ''
    if (this.#signedOut) {
      this.end()
      return `data: ${JSON.stringify(viewOf(signedOut, this.run, this.locale))}\n\n`
    }
    const frames = this.#takeEvents()
    if (this.#reader.done) this.end()
    if (!frames && this.#silentMs < silenceMs) return ''
    this.#silentMs = 0
    return frames || ': \n\n'
  }

  #takeEvents(): string {
    let frames = ''
    while (frames.length < chunkLength) {
      const event = this.#reader.take()
      if (!event) break
      frames += `id: ${this.#reader.id}\ndata: ${JSON.stringify(viewOf(event, this.run, this.locale))}\n\n`
    }
    return frames
  }
}

const signedOut = { type: 'RUN_ERROR' as const, failure: new AppError('unauthenticated') }
