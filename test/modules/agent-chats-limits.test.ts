import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { z } from 'zod'
import { AppError } from '../../src/errors.ts'
import { TimeLimits } from '../../src/modules/agent-chats/time-limits.ts'
import { defineTool, execute, toldToModel } from '../../src/modules/agent-chats/tools/tool.ts'
import { captureLog } from '../harness/log.ts'

describe('what a tool may cost', () => {
  let log: ReturnType<typeof captureLog>
  beforeEach(() => {
    log = captureLog()
  })
  afterEach(() => log.stop())

  const nobody = () => Promise.reject(new Error('nobody is asked for'))
  const context = {
    userId: 'alice',
    people: { profile: nobody, find: nobody, change: nobody },
    now: Date.now,
  }
  const never = new AbortController().signal
  const use = (
    run: (input: unknown, context: { signal: AbortSignal }) => unknown,
    signal = never,
    ms?: number,
  ) =>
    execute(defineTool({ name: 'test', description: '', input: z.object({}), run }), {}, context, signal, ms)

  test('its output is a text or JSON of at most 16 KiB, no character cut in two', async () => {
    expect(await use(() => ({ a: [1, '你'] }))).toBe('{"a":[1,"你"]}')
    expect(await use(() => 'a "text"\nas it is')).toBe('a "text"\nas it is')
    expect(await use(() => undefined)).toBe('')
    const long = await use(() => '😀'.repeat(20_000))
    expect([long.length, long.isWellFormed()]).toEqual([16 * 1024 + '… (cut off)'.length, true])
  })

  test('what breaks in it is in the log and told to the model, not to the client', async () => {
    const broken = () => {
      throw new Error('the inside of it')
    }
    for (const run of [broken, async () => broken()]) {
      const failure: AppError = await use(run).catch(error => error)
      expect(failure).toMatchObject({ code: 'tool_failed', message: 'tool_failed' })
      expect(toldToModel(failure)).toBe('Error: the inside of it')
    }
    expect(log.lines).toEqual(Array(2).fill('the tool test failed: Error: the inside of it'))
  })

  test('what the model is told of a failure is the code where there is no more to it, and no book', () => {
    expect(toldToModel(new AppError('user_not_found'))).toBe('user_not_found')
    const long = toldToModel(new AppError('tool_failed', { forModel: 'x'.repeat(20_000) }))
    expect(long).toHaveLength(16 * 1024 + '… (cut off)'.length)
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

  test('counts one call at a time', async () => {
    const clock = start({ firstTokenMs: 20 })
    clock.callStarts()
    clock.callStarts()
    clock.callEnds()
    await Bun.sleep(40)
    expect(codes()).toEqual([])
    clock.stop()
  })

  test('counts the whole, and nothing once it is stopped', async () => {
    const whole = start({ runMs: 20 })
    await Bun.sleep(40)
    expect(codes()).toEqual(['run_timeout'])
    whole.stop()
    const stopped = start({ firstTokenMs: 20, runMs: 20 })
    stopped.callStarts()
    stopped.stop()
    await Bun.sleep(40)
    expect(codes()).toEqual([])
  })
})
