/** Signing in, against the password hash alone; and what a flood of it does to people who are signed in. */
import type { Bench, Figure, Row } from '../figure.ts'
import { startParley } from '../parley.ts'
import { type Person, password, populate } from '../people.ts'
import { folder, outputOf, type Server, script } from '../processes.ts'
import type { Call } from '../rivals/accounts.ts'
import { betterAuthAccounts } from '../rivals/better-auth.ts'
import { contestant, entered, leave } from '../rivals/entered.ts'
import { pocketBaseAccounts } from '../rivals/pocketbase.ts'
import { against, alternate, alternateWith, median, ratioOf } from '../rounds.ts'
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
  const seconds = bench.quick ? 2 : 3
  const hash = await Bun.password.hash(password, { algorithm: 'argon2id', memoryCost: 19_456, timeCost: 2 })
  const floor = script('floors/password-verify.ts', hash, password, String(atOnce), String(seconds))
  const betterAuth = await entered('better-auth', () => betterAuthAccounts(atOnce))
  const pocketBase = await entered('PocketBase', () => pocketBaseAccounts(atOnce))
  const perSecond = await alternateWith(
    bench,
    bench.quick ? 3 : 5,
    {
      parley: () => signInsPerSecond(signInTo(parley, people), seconds),
      floor: async () => Number(await outputOf(floor)),
    },
    [
      contestant(betterAuth, rival => signInsPerSecond(rival.signIn, seconds)),
      contestant(
        pocketBase,
        rival => signInsPerSecond(rival.signIn, seconds),
        'bcrypt of cost 10: it has no Argon2id',
      ),
    ],
  )
  await leave([betterAuth, pocketBase])
  const { own } = perSecond
  return {
    what: `POST /auth/sessions, ${atOnce} clients`,
    unit: 'requests/s',
    better: 'more',
    parley: median(own.parley),
    floor: { value: median(own.floor), by: '`Bun.password.verify` alone' },
    result: { value: ratioOf(own.parley, own.floor) },
    target: { atLeast: 0.9 },
    rivals: against(own.parley, perSecond.rivals, 'more'),
  }
}

/** Steady readers, as many requests a second as a few hundred people make, and far from what the server can do. */
async function meanwhile(bench: Bench, parley: Server, people: Person[]): Promise<Figure> {
  const headers = { authorization: `Bearer ${people[0]!.accessToken}` }
  const seconds = bench.quick ? 3 : 5
  const readers = { connections: 10, script: 'paced', args: ['20'], seconds, headers } as const
  const read = async () => (await wrk(`${parley.url}/users/me`, readers)).p99Ms
  const p99 = await alternate(bench, bench.quick ? 3 : 5, {
    flooded: async () =>
      (await Promise.all([read(), signInsPerSecond(signInTo(parley, people), seconds + 1)]))[0],
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

/** Each from an address of their own. */
const signInTo =
  ({ url }: Server, people: Person[]) =>
  (who: number): Call => ({
    url: `${url}/auth/sessions`,
    headers: { 'x-forwarded-for': `10.0.0.${who}` },
    body: { email: people[who]!.email, password },
  })

async function signInsPerSecond(signInOf: (who: number) => Call, seconds: number): Promise<number> {
  const started = performance.now()
  let done = 0
  const keepSigningIn = async (call: Call) => {
    while (performance.now() - started < seconds * 1000) {
      await signInOnce(call)
      done++
    }
  }
  await Promise.all(Array.from({ length: atOnce }, (_, who) => keepSigningIn(signInOf(who))))
  return (done / (performance.now() - started)) * 1000
}

async function signInOnce({ url, headers, body }: Call): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  await response.bytes()
  if (response.status !== 200) throw new Error(`Sign-in answered ${response.status}.`)
}
