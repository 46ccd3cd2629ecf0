/** A property as a test: tried on ever new values until its time is up. */
import { test } from 'bun:test'
import { setTimeout as after } from 'node:timers/promises'
import fc from 'fast-check'

/** One is the short form; of more, every property gets as many times more. */
export const minutes = Number(Bun.env.FUZZ_MINUTES ?? 1)
export const seed = Number(Bun.env.FUZZ_SEED ?? Date.now() % 2 ** 31)

type Property = Pick<fc.IRawProperty<unknown>, 'run'>

/**
 * @param sentence what holds
 * @param make the property, which throws where it does not
 * @param seconds how long it is tried in the short form
 */
export function holds(sentence: string, make: () => Property, seconds = 0.3): void {
  test(sentence, async () => {
    const property = make()
    const lastTry = rememberLastTry(property)
    const run = await fc.check(property as fc.IAsyncProperty<unknown>, {
      seed,
      numRuns: Number.POSITIVE_INFINITY,
      interruptAfterTimeLimit: seconds * minutes * 1000,
    })
    // Without a counterexample, the time was up before the first try ended.
    if (run.counterexample !== null)
      throw new Error(fc.defaultReportMessage(run)?.slice(0, 3000), { cause: run.errorInstance })
    // The try that the end of the time broke into: it may hold, and disturb the next property no more.
    const late = await Promise.race([lastTry(), after(60_000, hanging, { ref: false })])
    if (late && 'error' in late) throw late.error
    console.log(`${run.numRuns} tries`)
  })
}

const hanging = { error: new Error('A try has not ended within a minute.') }

function rememberLastTry(property: Property) {
  const run = property.run.bind(property)
  let last: ReturnType<Property['run']> = null
  property.run = value => {
    last = run(value)
    return last
  }
  return () => last
}
