/**
 * Whether the time of an answer tells if an address has an account, or if somebody is signing up with it. Two
 * requests are timed in random order, one for a known address and one for an unknown, again and again.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { minutes } from './holds.ts'
import { compare, type Pair } from './pairs.ts'
import { startTimedServer, type TimedServer } from './timed-server.ts'

const count = Math.ceil(25 * minutes)
const warmUp = 3

let server: TimedServer
beforeAll(async () => {
  server = await startTimedServer()
})
afterAll(() => server.stop())

let names = 0
const password = 'correct horse'
const nobody = async () => `nobody_${++names}@example.com`
const owner = async () => server.account
const newcomer = async () => {
  const email = await nobody()
  await signUp(email)
  // From then on a code can be mailed again.
  await server.putForward(61_000)
  return email
}

const post = (path: string, body: object) =>
  server.call('POST', `/auth/${path}`, body, { 'x-forwarded-for': `100.64.${++names >> 8}.${names & 255}` })
const signIn = (email: string) => post('sessions', { email, password: 'wrong horse' })
const signUp = (email: string) => post('verifications', { username: `user_${++names}`, email, password })
const resend = (email: string) => post('verifications/resend', { email })
const guess = (email: string) => post('verifications/verify', { email, token: '000000' })

test.each([
  ['signing in tells nobody who has an account', owner, signIn],
  ['signing up tells nobody who has an account', owner, signUp],
  ['asking for a code again tells nobody who has an account', owner, resend],
  ['asking for a code again tells nobody who is signing up', newcomer, resend],
  ['a wrong code tells nobody who is signing up', newcomer, guess],
] as const)('the time of %s', async (_, known, request) => {
  const pairs: Pair[] = []
  for (let round = 0; round < warmUp + count; round++) {
    const addresses = { known: await known(), unknown: await nobody() }
    const pair = { known: 0, unknown: 0 }
    for (const which of Math.random() < 0.5
      ? (['known', 'unknown'] as const)
      : (['unknown', 'known'] as const))
      pair[which] = await timeOf(() => request(addresses[which]))
    if (round >= warmUp) pairs.push(pair)
    // No limit is ever reached.
    await server.putForward(3600_000)
  }
  expectAlike(pairs)
})

async function timeOf(request: () => Promise<{ status: number }>): Promise<number> {
  // What was begun before is over by then, mails included.
  await Bun.sleep(15)
  const start = performance.now()
  const { status } = await request()
  const ms = performance.now() - start
  expect([202, 204, 401]).toContain(status)
  return ms
}

function expectAlike(pairs: Pair[]): void {
  const { known, unknown, difference, least, most, limit, seenFrom, alike } = compare(pairs)
  const ms = (value: number) => value.toFixed(2)
  console.log(
    `${pairs.length} pairs, ms: known ${ms(known)}, unknown ${ms(unknown)}; apart ${ms(difference)}, ` +
      `surely ${ms(least)} to ${ms(most)}; limit ${ms(limit)}, seen from ${ms(seenFrom)}`,
  )
  expect(alike).toBe(true)
}
