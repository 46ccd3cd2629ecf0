import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { isPiece, type RunEvent } from '../../src/modules/agent-chats/events.ts'
import { pieceLength, Reader, Transcript } from '../../src/modules/agent-chats/transcript.ts'

/** Words of any script, and now and then one of many times the length of a piece. */
const words = fc.oneof(
  { weight: 8, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 * pieceLength }).map(length => '😀'.repeat(length)) },
)
const event: fc.Arbitrary<RunEvent> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constantFrom('TEXT_MESSAGE_CONTENT' as const, 'TOOL_CALL_ARGS' as const),
      of: fc.constantFrom('a', 'b'),
      text: words,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('TEXT_MESSAGE_END' as const), messageId: fc.constant('a') }),
  },
)
const story = fc.array(event, { maxLength: 60 })

/** What a client makes of events: pieces of one message that follow each other are one. */
function joined(events: RunEvent[]): RunEvent[] {
  const all: RunEvent[] = []
  for (const event of events) {
    const last = all.at(-1)
    if (last && isPiece(last) && isPiece(event) && last.type === event.type && last.of === event.of)
      all[all.length - 1] = { ...last, text: last.text + event.text }
    else all.push(event)
  }
  return all
}

function takeAll(reader: Reader): Array<{ id: number; event: RunEvent }> {
  const all = []
  for (let event = reader.take(); event; event = reader.take()) all.push({ id: reader.id, event })
  return all
}

const told = (events: RunEvent[]) => {
  const transcript = new Transcript()
  for (const event of events) transcript.append(event)
  return transcript
}

const events = (taken: Array<{ event: RunEvent }>) => taken.map(({ event }) => event)

describe('a transcript', () => {
  test('tells a reader all that was said, in order, ids counting up', () =>
    fc.assert(
      fc.property(story, story => {
        const taken = takeAll(new Reader(told(story)))
        expect(joined(events(taken))).toEqual(joined(story))
        const ids = taken.map(({ id }) => id)
        expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b))
      }),
    ))

  test('goes on from any id without a lost or doubled character', () =>
    fc.assert(
      fc.property(story, fc.nat(), (story, seed) => {
        const transcript = told(story)
        const whole = takeAll(new Reader(transcript))
        const last = whole.at(-1)?.id ?? 0
        const after = last === 0 ? 0 : seed % (last + 1)
        const before = cutAt(whole, after)
        const rest = new Reader(transcript, after)
        expect(rest.id).toBe(after)
        expect(joined([...before, ...events(takeAll(rest))])).toEqual(joined(story))
        expect(rest.id).toBe(last)
      }),
    ))

  test('gives live readers, however often and seldom they look, what those give who come later', () =>
    fc.assert(
      fc.property(fc.array(fc.tuple(event, fc.boolean(), fc.boolean()), { maxLength: 60 }), steps => {
        const transcript = new Transcript()
        let reader = new Reader(transcript)
        const live: Array<{ id: number; event: RunEvent }> = []
        for (const [event, looks, returns] of steps) {
          transcript.append(event)
          if (looks) live.push(...takeAll(reader))
          if (returns) reader = new Reader(transcript, reader.id)
        }
        live.push(...takeAll(reader))
        const late = takeAll(new Reader(transcript))
        expect(joined(events(live))).toEqual(joined(events(late)))
        expect(live.at(-1)?.id).toBe(late.at(-1)?.id)
        // One who left at any frame goes on where the frame ended.
        for (const [index, { id }] of live.entries()) {
          const rest = events(takeAll(new Reader(transcript, id)))
          expect(joined([...events(live.slice(0, index + 1)), ...rest])).toEqual(joined(events(late)))
        }
      }),
    ))

  test('cuts no character in two', () =>
    fc.assert(
      fc.property(story, story => {
        for (const { event } of takeAll(new Reader(told(story))))
          if (isPiece(event)) expect(event.text.isWellFormed()).toBe(true)
      }),
    ))

  test('keeps what arrives word by word in few pieces, none long', () => {
    const transcript = told(
      Array.from({ length: 20_000 }, () => ({ type: 'TEXT_MESSAGE_CONTENT', of: 'a', text: 'word ' })),
    )
    expect(transcript.size).toBe(100_000)
    expect(transcript.events.length).toBe(Math.ceil(100_000 / pieceLength))
    expect(transcript.events.every(event => isPiece(event) && event.text.length <= pieceLength + 1)).toBe(
      true,
    )
  })

  test('says when a reader is through: at the end of the run, not when there is nothing new', () => {
    const transcript = told([{ type: 'RUN_STARTED' }])
    const reader = new Reader(transcript)
    takeAll(reader)
    expect(reader.done).toBe(false)
    transcript.append({ type: 'RUN_FINISHED' })
    expect(reader.done).toBe(false)
    takeAll(reader)
    expect(reader.done).toBe(true)
    expect(new Reader(transcript, 99).done).toBe(true)
  })

  test('takes nothing after its end', () => {
    const transcript = told([{ type: 'RUN_FINISHED' }, { type: 'RUN_STARTED' }])
    expect(transcript.events).toEqual([{ type: 'RUN_FINISHED' }])
  })
})

/** The events up to an id, the one it falls into cut there. */
function cutAt(whole: Array<{ id: number; event: RunEvent }>, after: number): RunEvent[] {
  let start = 0
  return whole.flatMap(({ id, event }) => {
    const from = start
    start = id
    if (id <= after) return [event]
    return from < after && isPiece(event) ? [{ ...event, text: event.text.slice(0, after - from) }] : []
  })
}
