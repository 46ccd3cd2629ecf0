/** Signing in, against the password hash alone; and what a flood of it does to people who are signed in. */
import type { Bench, Figure, Row } from '../figure.ts'
import { startParley } from '../parley.ts'
import { type Person, password, populate } from '../people.ts'
import { folder, outputOf, type Server, script } from '../processes.ts'
import { alternate, median, ratioOf } from '../rounds.ts'
import { wrk } from '../wrk/wrk.ts'

const atOnce = 16

export const signIn: Row = {
  name: 'sign-in',
  async run(bench) {
    const dataDir = folder()
    const people = await populate(dataDir, 1000, atOnce)
    const parley = await startParley(dataDir)
    const figures = [await throughput(bench, parley, people), await meanwhile(bench, parley, people)]
    await parley.stop()
    return figures
  },
}

async function throughput(bench: Bench, parley: Server, people: Person[]): Promise<Figure> {
  const seconds = bench.quick ? 2 : 5
  const hash = await Bun.password.hash(password, { algorithm: 'argon2id', memoryCost: 19_456, timeCost: 2 })
  const perSecond = await alternate(bench, bench.quick ? 3 : 5, {
    parley: () => signInsPerSecond(parley, people, seconds),
    floor: async () =>
      Number(
        await outputOf(script('floors/password-verify.ts', hash, password, String(atOnce), String(seconds))),
      ),
  })
  return {
    what: `POST /auth/sessions, ${atOnce} clients`,
    unit: 'requests/s',
    better: 'more',
    parley: median(perSecond.parley),
    floor: { value: median(perSecond.floor), by: '`Bun.password.verify` alone' },
    result: { value: ratioOf(perSecond.parley, perSecond.floor) },
    target: { atLeast: 0.9 },
  }
}

/** Steady readers, as many requests a second as a few hundred people make, and far from what the server can do. */
async function meanwhile(bench: Bench, parley: Server, people: Person[]): Promise<Figure> {
  const { accessToken } = people[0]!
  const seconds = bench.quick ? 3 : 8
  const readers = { connections: 10, script: 'paced', args: ['20'], seconds, accessToken } as const
  const read = async () => (await wrk(`${parley.url}/users/me`, readers)).p99Ms
  const p99 = await alternate(bench, bench.quick ? 3 : 5, {
    flooded: async () => (await Promise.all([read(), signInsPerSecond(parley, people, seconds + 1)]))[0],
    idle: read,
  })
  return {
    what: `99th percentile of GET /users/me, 500 a second, while ${atOnce} clients sign in`,
    unit: 'ms',
    better: 'less',
    parley: median(p99.flooded),
    floor: { value: median(p99.idle), by: 'the same while nobody signs in' },
    result: { value: ratioOf(p99.flooded, p99.idle) },
    target: { lessThan: 3 },
  }
}

async function signInsPerSecond(parley: Server, people: Person[], seconds: number): Promise<number> {
  const started = performance.now()
  let done = 0
  const keepSigningIn = async ({ email }: Person, client: number) => {
    while (performance.now() - started < seconds * 1000) {
      await signInOnce(parley, email, `10.0.0.${client}`)
      done++
    }
  }
  await Promise.all(people.map(keepSigningIn))
  return (done / (performance.now() - started)) * 1000
}

async function signInOnce({ url }: Server, email: string, address: string): Promise<void> {
  const response = await fetch(`${url}/auth/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
    body: JSON.stringify({ email, password }),
  })
  await response.bytes()
  if (response.status !== 200) throw new Error(`Sign-in answered ${response.status}.`)
}
