/** What is said in chats: it arrives whole, in whatever form it is read, and the model remembers as much as it may. */
import { afterAll, beforeAll, describe, expect } from 'bun:test'
import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import { isPiece, type Piece, type RunEvent } from '../../src/modules/agent-chats/events.ts'
import type { EventView } from '../../src/modules/agent-chats/schema.ts'
import { pieceLength, Reader, Transcript } from '../../src/modules/agent-chats/transcript.ts'
import { startApp, type TestApp } from '../harness/app.ts'
import { chunk, end, startRawModel, word } from '../harness/model.ts'
import { holds } from './holds.ts'

/** What breaks lines, frames, texts and pairs of surrogates. */
const awkward = [
  '\n',
  '\r',
  '\r\n',
  '\n\n',
  '\u2028',
  '\u2029',
  '\u0085',
  '\u0000',
  '\ufeff',
  '\u202e',
  '😀',
  'data: ',
  ': ',
  'id: 7',
  '"',
  '\\',
  '</script>',
]
const unit = fc.oneof(fc.constantFrom(...awkward), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }))
const text = fc.array(unit, { minLength: 1 }).map(units => units.join(''))
/** A text in pieces, cut in the middle of characters as well. */
const pieces = fc.tuple(text, fc.array(fc.nat())).map(([text, cuts]) => {
  const ends = [...cuts.map(cut => cut % (text.length + 1)), text.length].sort((one, other) => one - other)
  return ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end))
})

describe('a reader of a transcript', () => {
  const piece = fc.record({
    type: fc.constantFrom<Piece['type'][]>('TEXT_MESSAGE_CONTENT', 'TOOL_CALL_ARGS'),
    of: fc.constantFrom('a', 'b'),
    text: fc.oneof(
      { weight: 9, arbitrary: text },
      { weight: 1, arbitrary: fc.nat(2 * pieceLength).map(length => '😀'.repeat(length / 2 + 1)) },
    ),
  })
  const story = fc.array(
    fc.oneof<fc.Arbitrary<RunEvent>[]>(piece, fc.constant({ type: 'TEXT_MESSAGE_END', messageId: 'a' })),
  )

  holds('misses and doubles nothing, wherever it left and however often it came back', () =>
    fc.property(story, fc.array(fc.nat()), (story, stops) => {
      const transcript = new Transcript()
      let heard = ''
      let reader = new Reader(transcript)
      const listen = () => {
        for (let event = reader.take(); event; event = reader.take()) heard += told(event)
      }
      for (const [index, event] of story.entries()) {
        transcript.append(event)
        if (stops.includes(index)) {
          listen()
          reader = new Reader(transcript, reader.id)
        }
      }
      listen()
      expect(heard).toBe(story.map(told).join(''))
    }),
  )

  holds('begins at any id: what comes is the rest of the whole', () =>
    fc.property(story, fc.nat(), (story, seed) => {
      const transcript = new Transcript()
      for (const event of story) transcript.append(event)
      const whole = rest(new Reader(transcript))
      const after = seed % (whole.length + 2)
      expect(rest(new Reader(transcript, after))).toEqual(whole.slice(after))
    }),
  )

  const told = (event: RunEvent) => (isPiece(event) ? event.text : '|')

  /** Id by id: the characters of pieces, and other events. */
  function rest(reader: Reader): string[] {
    const all = []
    for (let event = reader.take(); event; event = reader.take()) {
      if (isPiece(event))
        all.push(...event.text.split('').map(character => `${event.type} ${event.of} ${character}`))
      else all.push(event.type)
    }
    return all
  }
})

describe('POST /agent-chats', () => {
  const budget = 3000
  let app: TestApp
  let alice: Awaited<ReturnType<TestApp['newUser']>>
  /** What the model does next. */
  let script: () => AsyncGenerator<string>
  const raw = startRawModel(new Proxy({}, { get: () => () => script() }))
  beforeAll(async () => {
    app = await startApp({ ...raw.environment, AGENT_CONTEXT_TOKENS: String(budget / 3) })
    alice = await app.newUser()
  })
  afterAll(async () => {
    await app.stop()
    await raw.stop()
  })

  const send = (body: object, headers = {}) => app.as(alice)('POST', '/agent-chats', body, headers)
  type Asked = {
    role: string
    content: string | null
    tool_calls?: Array<{ id: string }>
    tool_call_id?: string
  }
  /** The messages that the model was sent, without the system's. */
  const asked = (index: number) => (raw.requests.at(index)!.body.messages as Asked[]).slice(1)

  holds(
    'what the model says arrives whole, as a stream and as JSON, and what a person says arrives there',
    () =>
      fc.asyncProperty(text, pieces, async (message, pieces) => {
        script = async function* () {
          for (const piece of pieces) yield word(piece)
          yield end
        }
        const whole = pieces.join('')
        const streamed = await send({ message }, { accept: 'text/event-stream' })
        const inJson = await send({ message })
        expect(asked(-1).at(-1)?.content).toBe(message)
        for (const events of [framesOf(streamed.body), inJson.body.events]) {
          expect(events.map(({ delta }: EventView) => delta ?? '').join('')).toBe(whole)
          expect(events.at(-1)).toMatchObject({ type: 'RUN_FINISHED', output: whole })
        }
        expect(inJson.body.output).toBe(whole)
      }),
    3,
  )

  function framesOf(stream: string): EventView[] {
    const events: EventView[] = []
    const onError = (error: unknown) => expect(error).toBeUndefined()
    createParser({ onEvent: ({ data }) => events.push(JSON.parse(data)), onError }).feed(stream)
    return events
  }

  /** Of one turn: what is asked, how many tools are called for it, and what is answered. */
  const turn = fc.record({
    message: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300, size: 'max' }),
    calls: fc.nat(2),
    answer: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300, size: 'max' }),
  })

  holds(
    'shows the model the newest whole turns that fit, no call without its result',
    () =>
      fc.asyncProperty(fc.array(turn, { minLength: 1, maxLength: 8 }), async turns => {
        let session_id: string | null = null
        const said: Asked[] = []
        for (const { message, calls, answer } of turns) {
          raw.requests.length = 0
          script = async function* () {
            if (raw.requests.length === 1 && calls > 0) yield toolCalls(calls)
            else yield word(answer) + end
          }
          const { status, body }: Awaited<ReturnType<typeof send>> = await send({ message, session_id })
          expect(status).toBe(200)
          session_id = body.session_id

          const context = asked(0)
          expect(context).toEqual([...said, ...context.slice(-1)].slice(-context.length))
          expect(context.at(-1)).toMatchObject({ role: 'user', content: message })
          expect(context[0]!.role).toBe('user')
          expect(callsIn(context)).toEqual(resultsIn(context))
          expect(sizeOf(context)).toBeLessThanOrEqual(budget)
          const forgotten = said.slice(0, said.length + 1 - context.length)
          const turnBefore = forgotten.slice(forgotten.findLastIndex(({ role }) => role === 'user'))
          if (forgotten.length > 0) expect(mostSizeOf([...turnBefore, ...context])).toBeGreaterThan(budget)
          said.push(...asked(-1).slice(context.length - 1), { role: 'assistant', content: answer })
        }
      }),
    3,
  )

  /** In bytes of how messages are kept: more than their words, less than what they take here and some more. */
  const sizeOf = (messages: Asked[]) =>
    Buffer.byteLength(messages.map(({ content }) => content ?? '').join(''))
  const mostSizeOf = (messages: Asked[]) =>
    Buffer.byteLength(JSON.stringify(messages)) + 100 * messages.length
  const callsIn = (messages: Asked[]) =>
    messages.flatMap(({ tool_calls }) => tool_calls?.map(({ id }) => id) ?? [])
  const resultsIn = (messages: Asked[]) => messages.flatMap(({ tool_call_id }) => tool_call_id ?? [])

  const toolCalls = (count: number) => {
    const tool_calls = Array.from({ length: count }, (_, index) => ({
      index,
      id: `call_${Bun.randomUUIDv7()}`,
      type: 'function',
      function: { name: 'current_time', arguments: '{}' },
    }))
    return `${chunk({ tool_calls })}${chunk({}, 'tool_calls')}data: [DONE]\n\n`
  }
})
