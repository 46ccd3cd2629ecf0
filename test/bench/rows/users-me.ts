/** Reading the signed-in user, against the least that can be. */
import type { Figure, Row } from '../figure.ts'
import { startParley } from '../parley.ts'
import { populate } from '../people.ts'
import { folder, script, serve } from '../processes.ts'
import { alternate, median, ratioOf } from '../rounds.ts'
import { wrk } from '../wrk/wrk.ts'

export const usersMe: Row = {
  name: 'users-me',
  async run(bench) {
    const dataDir = folder()
    const [reader] = await populate(dataDir, 1000, 1)
    const parley = await startParley(dataDir)
    const join = await serve(script('floors/users-me.ts', dataDir, 'join'))
    const subSelect = await serve(script('floors/users-me.ts', dataDir, 'sub-select'))
    const load = { connections: 32, seconds: bench.quick ? 1 : 3, accessToken: reader!.accessToken }
    const perSecond = await alternate(bench, bench.quick ? 3 : 7, {
      parley: async () => (await wrk(`${parley.url}/users/me`, load)).perSecond,
      join: async () => (await wrk(join.url, load)).perSecond,
      subSelect: async () => (await wrk(subSelect.url, load)).perSecond,
    })
    await Promise.all([parley.stop(), join.stop(), subSelect.stop()])

    const beside = (floor: number[], by: string): Figure => ({
      what: 'GET /users/me, 32 connections',
      unit: 'requests/s',
      better: 'more',
      parley: median(perSecond.parley),
      floor: { value: median(floor), by: `\`Bun.serve\`, an HMAC and ${by}` },
      result: { value: ratioOf(perSecond.parley, floor) },
    })
    return [
      { ...beside(perSecond.join, 'a SQLite join'), target: { atLeast: 0.8 } },
      beside(perSecond.subSelect, 'a sub-select'),
    ]
  },
}
