import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { z } from 'zod'
import type { AppError } from '../../src/errors.ts'
import { TimeLimits } from '../../src/modules/agent-chats/time-limits.ts'
import { defineTool, execute } from '../../src/modules/agent-chats/tools/tool.ts'
import { captureLog } from '../harness/log.ts'

describe('what a tool may cost', () => {
  let log: ReturnType<typeof captureLog>
  beforeEach(() => {
    log = captureLog()
  })
  afterEach(() => log.stop())

  const nobody = () => Promise.reject(new Error('nobody is asked for'))
  const context = { userId: 'alice', people: { profile: nobody, find: nobody }, now: Date.now }
  const never = new AbortController().signal
  const use = (
    run: (input: unknown, context: { signal: AbortSignal }) => unknown,
    signal = never,
    ms?: number,
  ) =>
    execute(defineTool({ name: 'test', description: '', input: z.object({}), run }), {}, context, signal, ms)

  test('its output is JSON of at most 16 KiB, no character cut in two', async () => {
    expect(await use(() => ({ a: [1, '你'] }))).toBe('{"a":[1,"你"]}')
    expect(await use(() => undefined)).toBe('')
    const long = await use(() => '😀'.repeat(20_000))
    expect([long.length, long.isWellFormed()]).toEqual([16 * 1024 + '… (cut off)'.length, true])
  })

  test('what breaks in it is in the log alone', async () => {
    const broken = () => {
      throw new Error('the inside of it')
    }
    for (const run of [broken, async () => broken()])
      await expect(use(run)).rejects.toMatchObject({ code: 'tool_failed', message: 'tool_failed' })
    expect(log.lines).toEqual(Array(2).fill('the tool test failed: Error: the inside of it'))
  })

  test('one that hangs is given up, and told so', async () => {
    let told = false
    const hang = (_: unknown, { signal }: { signal: AbortSignal }) =>
      new Promise(() => signal.addEventListener('abort', () => (told = true)))
    await expect(use(hang, never, 20)).rejects.toMatchObject({ code: 'tool_timeout' })
    expect(told).toBe(true)
  })

  test('one that hangs does not hold up the end of its run', async () => {
    const stop = new AbortController()
    const used = use(() => new Promise(() => {}), stop.signal)
    stop.abort(new Error('the end'))
    await expect(used).rejects.toThrow()
  })
})

describe('the clock of a run', () => {
  const failures: AppError[] = []
  const start = (limits: object) => {
    failures.length = 0
    const all = { firstTokenMs: 5000, silenceMs: 5000, runMs: 5000, ...limits }
    return new TimeLimits(all, failure => failures.push(failure))
  }
  const codes = () => failures.map(({ code }) => code)

  test('counts the time to the first word, not what comes later', async () => {
    const slow = start({ firstTokenMs: 20 })
    slow.callStarts()
    await Bun.sleep(40)
    expect(codes()).toEqual(['model_timeout'])
    slow.stop()

    const quick = start({ firstTokenMs: 20 })
    quick.callStarts()
    quick.callSpeaks()
    await Bun.sleep(40)
    expect(codes()).toEqual([])
    quick.stop()
  })

  test('counts each silence anew', async () => {
    const clock = start({ silenceMs: 200 })
    clock.callStarts()
    for (let n = 0; n < 6; n++) {
      clock.callSpeaks()
      await Bun.sleep(50)
    }
    expect(codes()).toEqual([])
    await Bun.sleep(250)
    expect(codes()).toEqual(['model_timeout'])
    clock.stop()
  })

  test('takes a tool at work for no silence, and starts anew with the next call', async () => {
    const clock = start({ firstTokenMs: 20, silenceMs: 20 })
    clock.callStarts()
    clock.callSpeaks()
    clock.callEnds()
    // A word that was under way still.
    clock.callSpeaks()
    await Bun.sleep(40)
    expect(codes()).toEqual([])
    clock.callStarts()
    await Bun.sleep(40)
    expect(codes()).toEqual(['model_timeout'])
    clock.stop()
  })

  test('counts the whole, and nothing once it is stopped', async () => {
    const whole = start({ runMs: 20 })
    await Bun.sleep(40)
    expect(codes()).toEqual(['model_timeout'])
    whole.stop()
    const stopped = start({ firstTokenMs: 20, runMs: 20 })
    stopped.callStarts()
    stopped.stop()
    await Bun.sleep(40)
    expect(codes()).toEqual([])
  })
})
