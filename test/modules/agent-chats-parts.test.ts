/** Parts of the run engine that nothing but a rare moment shows from outside. */
import { describe, expect, test } from 'bun:test'
import { AppError } from '../../src/errors.ts'
import type { RunEvent } from '../../src/modules/agent-chats/events.ts'
import { Lanes } from '../../src/modules/agent-chats/lanes.ts'
import { Recorder } from '../../src/modules/agent-chats/recorder.ts'
import { Run } from '../../src/modules/agent-chats/run.ts'
import { closingsOf } from '../../src/modules/agent-chats/unfinished.ts'

const newRun = () => new Run({ chatId: 'chat', userId: 'alice', model: 'm' })
const say = (run: Run, text: string) => run.transcript.append({ type: 'TEXT_MESSAGE_CONTENT', of: 'a', text })

describe('the line in a chat', () => {
  test('is in the order of coming, but for who interrupts', () => {
    const lanes = new Lanes()
    const [first, second, third, hasty] = [newRun(), newRun(), newRun(), newRun()]
    lanes.enter(first, 'reject')
    lanes.enter(second, 'enqueue')
    lanes.enter(third, 'enqueue')
    lanes.enter(hasty, 'interrupt')
    expect(lanes.of('alice', 'chat')).toEqual([first, hasty, second, third])
    expect(first.signal.reason).toMatchObject({ code: 'run_cancelled' })
  })

  test('moves on when its first leaves, and for nobody else', () => {
    const lanes = new Lanes()
    const [first, second, stranger] = [newRun(), newRun(), newRun()]
    let begun = 0
    lanes.enter(first, 'reject')
    lanes.enter(second, 'enqueue', () => begun++)
    for (const run of [stranger, second]) lanes.leave(run)
    expect([lanes.current('alice', 'chat'), begun]).toEqual([first, 0])
    for (const run of [first, first]) lanes.leave(run)
    expect([lanes.current('alice', 'chat'), begun]).toEqual([second, 1])
  })
})

describe('the record of what is said', () => {
  test('is tried again where another is writing; nothing of it is lost, or told before', async () => {
    const written: RunEvent[] = []
    let tries = 0
    const recorder = new Recorder(entries => {
      if (++tries < 3) return false
      written.push(...entries.flatMap(({ events }) => events))
      return true
    })
    const run = newRun()
    recorder.begin(run)
    say(run, 'one ')
    await Bun.sleep(5)
    expect([tries > 0, run.transcript.kept]).toEqual([true, 0])
    say(run, 'two')
    while (run.transcript.kept === 0) await Bun.sleep(5)
    const text = written.map(event => ('text' in event ? event.text : '')).join('')
    expect([text, run.transcript.kept]).toEqual(['one two', 7])
  })

  test('where it cannot be, ends the runs that spoke, and no others', async () => {
    const failure = new AppError('storage_unavailable')
    const recorder = new Recorder(() => {
      throw failure
    })
    const [speaker, listener] = [newRun(), newRun()]
    for (const run of [speaker, listener]) recorder.begin(run)
    say(speaker, 'one')
    await Bun.sleep(5)
    expect([speaker.signal.reason, listener.signal.aborted]).toEqual([failure, false])
  })
})

test('what closes a run that was cut off is what it had left open, and no more', () => {
  const bracketed = (
    type: 'TEXT_MESSAGE' | 'TOOL_CALL' | 'REASONING',
    id: string,
  ): [RunEvent, RunEvent[]] => {
    if (type === 'TEXT_MESSAGE')
      return [{ type: 'TEXT_MESSAGE_START', messageId: id }, [{ type: 'TEXT_MESSAGE_END', messageId: id }]]
    if (type === 'REASONING')
      return [
        { type: 'REASONING_START', messageId: id },
        [
          { type: 'REASONING_MESSAGE_END', messageId: id },
          { type: 'REASONING_END', messageId: id },
        ],
      ]
    const call = { toolCallId: id, toolName: 'look', messageId: 'a' }
    return [{ type: 'TOOL_CALL_START', ...call }, [{ type: 'TOOL_CALL_END', toolCallId: id }]]
  }
  const failure = new AppError('run_interrupted').failure
  for (const type of ['TEXT_MESSAGE', 'TOOL_CALL', 'REASONING'] as const) {
    const [begin, ends] = bracketed(type, 'closed')
    const [open, closings] = bracketed(type, 'open')
    const events = [begin, ...ends, open]
    expect(closingsOf({ events, paused: null }, failure)).toEqual(closings)
    expect(closingsOf({ events: [begin, ...ends], paused: null }, failure)).toEqual([])
  }
})
