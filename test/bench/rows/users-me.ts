/** Reading the signed-in user, against the least that can be. */
import type { Figure, Row } from '../figure.ts'
import { startParley } from '../parley.ts'
import { populate } from '../people.ts'
import { folder, script, serve } from '../processes.ts'
import type { Call } from '../rivals/accounts.ts'
import { betterAuthAccounts } from '../rivals/better-auth.ts'
import { contestant, entered, leave } from '../rivals/entered.ts'
import { pocketBaseAccounts } from '../rivals/pocketbase.ts'
import { against, alternateWith, median, ratioOf } from '../rounds.ts'
import { wrk } from '../wrk/wrk.ts'

export const usersMe: Row = {
  name: 'users-me',
  async run(bench) {
    const dataDir = folder()
    const [reader] = await populate(dataDir, 1000, 1)
    const parley = await startParley(dataDir)
    const join = await serve(script('floors/users-me.ts', dataDir, 'join'))
    const subSelect = await serve(script('floors/users-me.ts', dataDir, 'sub-select'))
    const rivals = [
      await entered('better-auth', () => betterAuthAccounts(1)),
      await entered('PocketBase', () => pocketBaseAccounts(1)),
    ]
    const load = { connections: 32, seconds: bench.quick ? 1 : 2 }
    const read = async ({ url, headers }: Call) => (await wrk(url, { ...load, headers })).perSecond
    const headers = { authorization: `Bearer ${reader!.accessToken}` }
    const perSecond = await alternateWith(
      bench,
      bench.quick ? 3 : 5,
      {
        parley: () => read({ url: `${parley.url}/users/me`, headers }),
        join: () => read({ url: join.url, headers }),
        subSelect: () => read({ url: subSelect.url, headers }),
      },
      rivals.map(rival => contestant(rival, ({ me }) => read(me))),
    )
    for (const server of [parley, join, subSelect]) await server.stop()
    await leave(rivals)

    const { own } = perSecond
    const beside = (floor: number[], by: string): Figure => ({
      what: 'GET /users/me, 32 connections',
      unit: 'requests/s',
      better: 'more',
      parley: median(own.parley),
      floor: { value: median(floor), by: `\`Bun.serve\`, an HMAC and ${by}` },
      result: { value: ratioOf(own.parley, floor) },
    })
    return [
      {
        ...beside(own.join, 'a SQLite join'),
        target: { atLeast: 0.8 },
        rivals: against(own.parley, perSecond.rivals, 'more'),
      },
      beside(own.subSelect, 'a sub-select'),
    ]
  },
}
