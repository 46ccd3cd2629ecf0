/**
 * All that happened in a run, once, for any number of readers. Pieces of one message that follow each other
 * are joined, so it takes little more room than the words themselves; a reader is no more than a place in it.
 *
 * Ids count up: a piece takes as many as it has characters (UTF-16 units), any other event one. The id of a
 * piece is that of its last character, so a reader may leave at any character, and return.
 */
import { isEnding, isPiece, type Piece, type RunEvent } from './events.ts'

/** Long enough to join well, short enough to be copied again and again while words are added to it. */
export const pieceLength = 4096

export class Transcript {
  readonly events: RunEvent[] = []
  /** How much has been said, in characters. */
  size = 0
  /** The id of what was said last. */
  length = 0
  /** The id of what is on record: readers get no further, so that nothing they were told is lost. */
  kept = 0
  /** Told of every addition, and answers for its being kept; without one it is kept as it is said. */
  recorder: (() => void) | null = null
  #ended = false
  #watchers = new Set<() => void>()

  /** @param kept the events of a run that is taken up again */
  constructor(kept: RunEvent[] = []) {
    for (const event of kept) {
      this.#ended = false
      this.append(event)
    }
  }

  /** Nothing follows an ending. */
  append(event: RunEvent): void {
    if (this.#ended) return
    if (isPiece(event)) this.#join(event)
    else {
      this.events.push(event)
      this.length++
    }
    if (event.type === 'TOOL_CALL_RESULT') this.size += event.result?.length ?? 0
    this.#ended = isEnding(event)
    if (this.recorder) this.recorder()
    else this.keep()
  }

  #join({ type, of, text }: Piece): void {
    this.size += text.length
    this.length += text.length
    while (text) {
      let last = this.events.at(-1)
      if (
        !last ||
        last.type !== type ||
        !isPiece(last) ||
        last.of !== of ||
        last.text.length >= pieceLength
      ) {
        last = { type, of, text: '' }
        this.events.push(last)
      }
      const fitting = text.slice(0, wholeCharacters(text, pieceLength - last.text.length))
      last.text += fitting
      text = text.slice(fitting.length)
    }
  }

  /** All that was said is on record: whoever watches may go on. */
  keep(): void {
    this.kept = this.length
    for (const tell of this.#watchers) tell()
  }

  get ended(): boolean {
    return this.#ended
  }

  /** What was ended goes on: a run that waited has got its answer. */
  reopen(): void {
    this.#ended = false
  }

  /** It does not go on after all. */
  close(): void {
    this.#ended = true
    this.keep()
  }

  /** Calls back whenever there is more on record, until the returned function is called. */
  watch(tell: () => void): () => void {
    this.#watchers.add(tell)
    return () => this.#watchers.delete(tell)
  }
}

/** The largest length up to `most`, though at least 1, that parts no surrogate pair. */
function wholeCharacters(text: string, most: number): number {
  if (text.length <= most) return text.length
  const parts = (text.codePointAt(most - 1) ?? 0) > 0xffff
  return parts ? (most === 1 ? 2 : most - 1) : most
}

/** One reader's place in a transcript. */
export class Reader {
  /** The id of what was taken last. */
  id = 0
  #index = 0
  /** Characters taken of the piece at the index. */
  #offset = 0

  /**
   * @param after the id after which to go on
   * @param upTo what is on record, or for the recorder, all that was said
   */
  constructor(
    private readonly transcript: Transcript,
    after = 0,
    private readonly upTo: 'kept' | 'length' = 'kept',
  ) {
    for (let event = this.#current(); event && this.id < after; event = this.#current()) {
      const length = isPiece(event) ? event.text.length : 1
      if (isPiece(event) && this.id + length >= after) {
        this.#offset = after - this.id
        this.id = after
      } else {
        this.#index++
        this.id += length
      }
    }
  }

  /** The next event, or what there is of a piece that is still growing; undefined while there is nothing new. */
  take(): RunEvent | undefined {
    const event = this.#current()
    const left = this.transcript[this.upTo] - this.id
    if (!event || left <= 0) return undefined
    if (!isPiece(event)) {
      this.#index++
      this.id++
      return event
    }
    const text = event.text.slice(this.#offset, this.#offset + left)
    if (text) {
      this.#offset += text.length
      this.id += text.length
      return { ...event, text }
    }
    this.#index++
    this.#offset = 0
    return this.take()
  }

  /** All that there is to take. */
  *rest(): Generator<RunEvent> {
    for (let event = this.take(); event; event = this.take()) yield event
  }

  /** Whether the run has ended and all of it was taken. */
  get done(): boolean {
    return (
      this.transcript.ended &&
      this.id >= this.transcript.kept &&
      this.transcript.kept === this.transcript.length
    )
  }

  #current(): RunEvent | undefined {
    return this.transcript.events[this.#index]
  }
}
