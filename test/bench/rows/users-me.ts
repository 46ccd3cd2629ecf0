/** Reading the signed-in user, against the least that can be. */
import type { Row } from '../figure.ts'
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
    const floor = await serve(script('floors/users-me.ts', dataDir))
    const load = { connections: 32, seconds: bench.quick ? 1 : 4, accessToken: reader!.accessToken }
    const perSecond = await alternate(bench, bench.quick ? 3 : 9, {
      parley: async () => (await wrk(`${parley.url}/users/me`, load)).perSecond,
      floor: async () => (await wrk(floor.url, load)).perSecond,
    })
    await Promise.all([parley.stop(), floor.stop()])
    return [
      {
        what: 'GET /users/me, 32 connections',
        unit: 'requests/s',
        parley: median(perSecond.parley),
        floor: { value: median(perSecond.floor), by: 'Bun.serve, an HMAC and a SQLite join' },
        result: { value: ratioOf(perSecond.parley, perSecond.floor) },
        target: { atLeast: 0.8 },
      },
    ]
  },
}
