/**
 * The refresh-token state machine against a model of it: any number of clients, each holding whatever token
 * it last heard of, refresh at once, lose answers, replay old tokens, and let time pass. At most one lineage
 * lives at any time, and a client that keeps to the rules is never signed out.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import fc from 'fast-check'
import { startApp, type TestApp } from '../harness/app.ts'

let clock = Date.now()
let app: TestApp
let alice: Awaited<ReturnType<TestApp['newUser']>>
beforeAll(async () => {
  app = await startApp({}, { now: () => clock })
  alice = await app.newUser()
})
afterAll(() => app.stop())

const clients = 4
const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('refresh' as const),
      client: fc.nat(clients - 1),
      lost: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('together' as const),
      who: fc.uniqueArray(fc.nat(clients - 1), { minLength: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('replay' as const), back: fc.nat(5) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(1, 5_000, 10_000, 10_001, 60_000),
    }),
  },
)

/** What the server is to know of a session. */
class Model {
  alive = true
  generation = 0
  rotatedAt = clock
  readonly issued: string[]
  constructor(first: string) {
    this.issued = [first]
  }

  /** The generation of the token to be answered with, or null for a refusal. */
  present(generation: number): number | null {
    if (!this.alive) return null
    if (generation === this.generation) {
      this.rotatedAt = clock
      return ++this.generation
    }
    if (generation === this.generation - 1 && clock - this.rotatedAt <= 10_000) return this.generation
    this.alive = false
    return null
  }
}

async function present(model: Model, generation: number): Promise<number | null> {
  const expected = model.present(generation)
  const answer = await app.call('POST', '/auth/sessions/refresh', { refresh_token: model.issued[generation] })
  expect(answer.status).toBe(expected === null ? 401 : 200)
  if (expected !== null) {
    // The same generation is always the same token: no second lineage.
    model.issued[expected] ??= answer.body.refresh_token
    expect(answer.body.refresh_token).toBe(model.issued[expected]!)
  }
  return expected
}

test('any interleaving leaves at most one lineage alive', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 25 }), async actions => {
      const { body } = await app.call('POST', '/auth/sessions', {
        email: alice.email,
        password: alice.password,
      })
      const model = new Model(body.refresh_token)
      const held = Array<number>(clients).fill(0)

      for (const step of actions) {
        if (step.kind === 'wait') clock += step.ms
        if (step.kind === 'replay') await present(model, Math.max(0, model.issued.length - 1 - step.back))
        if (step.kind === 'refresh') {
          const heard = await present(model, held[step.client]!)
          if (heard !== null && !step.lost) held[step.client] = heard
        }
        if (step.kind === 'together') {
          const newest = Math.max(...step.who.map(client => held[client]!))
          const before = model.generation
          const answers = await Promise.all(
            step.who.map(() =>
              app.call('POST', '/auth/sessions/refresh', { refresh_token: model.issued[newest] }),
            ),
          )
          const heard = step.who.map(() => model.present(newest))
          expect(answers.map(({ status }) => status)).toEqual(
            heard.map(generation => (generation === null ? 401 : 200)),
          )
          const tokens = new Set(
            answers.filter(({ status }) => status === 200).map(({ body }) => body.refresh_token),
          )
          expect(tokens.size).toBeLessThanOrEqual(1)
          if (model.generation > before || tokens.size > 0) model.issued[model.generation] ??= [...tokens][0]
          step.who.forEach((client, i) => {
            held[client] = heard[i] ?? held[client]!
          })
        }
      }
      const last = await app.call('POST', '/auth/sessions/refresh', {
        refresh_token: model.issued[model.generation],
      })
      expect(last.status).toBe(model.alive ? 200 : 401)
    }),
    { numRuns: 60, endOnFailure: true },
  )
}, 180_000)
