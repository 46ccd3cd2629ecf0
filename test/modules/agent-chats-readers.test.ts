/** What a reader of a run costs, and that nothing of it stays when it is gone. */
import { describe, expect, test } from 'bun:test'
import { isPiece, type RunEvent } from '../../src/modules/agent-chats/events.ts'
import { Run } from '../../src/modules/agent-chats/run.ts'
import { pieceLength } from '../../src/modules/agent-chats/transcript.ts'
import { beatMs } from '../../src/modules/agent-chats/wires/heartbeat.ts'
import { eventStream } from '../../src/modules/agent-chats/wires/stream.ts'

const newRun = () => new Run({ chatId: 'chat', userId: 'alice', model: 'm' })

/** A reader of the run, and what it makes the server do. */
function read(run: Run) {
  const seen = { taken: 0, asked: 0, watching: 0 }
  const { transcript } = run
  const watch = transcript.watch.bind(transcript)
  transcript.watch = tell => {
    const unwatch = watch(tell)
    seen.watching++
    return () => {
      seen.watching--
      return unwatch()
    }
  }
  const event = (event: RunEvent) => {
    const text = isPiece(event) ? event.text : event.type
    seen.taken += text.length
    return text
  }
  const isAlive = () => {
    seen.asked++
    return true
  }
  const { body } = eventStream({ run, wire: { event, signedOut: () => '' }, isAlive, after: 0 })
  return { seen, reader: body!.getReader() }
}

describe('a reader', () => {
  test('takes nothing before its connection can take it, and then 16 KiB at a time', async () => {
    const run = newRun()
    for (let n = 0; n < 1000; n++)
      run.transcript.append({ type: 'TEXT_MESSAGE_CONTENT', of: 'a', text: 'x'.repeat(pieceLength) })
    const { seen, reader } = read(run)
    await Bun.sleep(10)
    expect(seen.taken).toBe(0)
    for (const times of [1, 2]) {
      await reader.read()
      await Bun.sleep(10)
      expect(seen.taken).toBe(times * 16 * 1024)
    }
    await reader.cancel()
  })

  test('is forgotten when it has left, or when the run has ended', async () => {
    const [run, ended] = [newRun(), newRun()]
    const left = read(run)
    const through = read(ended)
    run.transcript.append({ type: 'RUN_STARTED' })
    await left.reader.read()
    await left.reader.cancel()
    ended.end({ type: 'RUN_FINISHED' })
    while (!(await through.reader.read()).done);
    await Bun.sleep(beatMs + 500)
    // The clock of all readers has passed them by.
    for (const { seen } of [left, through]) expect([seen.asked, seen.watching]).toEqual([0, 0])
  })

  test('is asked about as long as it is there', async () => {
    const { seen, reader } = read(newRun())
    await reader.read()
    await Bun.sleep(beatMs + 500)
    expect(seen.asked).toBe(1)
    await reader.cancel()
  }, 60_000)
})
