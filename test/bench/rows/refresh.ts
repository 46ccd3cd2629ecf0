/** Refreshing tokens, each on disk before it is answered, against one commit after another on the same disk. */
import type { Row } from '../figure.ts'
import { startParley } from '../parley.ts'
import { populate } from '../people.ts'
import { folder, outputOf, script } from '../processes.ts'
import { alternate, median, ratioOf } from '../rounds.ts'
import { wrk } from '../wrk/wrk.ts'

const clients = 32

export const refresh: Row = {
  name: 'refresh',
  async run(bench) {
    const rounds = bench.quick ? 3 : 7
    const seconds = bench.quick ? 1 : 2
    const dataDir = folder()
    // A round leaves its clients in the middle of a refresh, so the next one has others.
    const people = await populate(dataDir, 1000, clients * (rounds + 1))
    const parley = await startParley(dataDir)
    const ownDir = folder()
    await populate(ownDir, 1000, 0)

    const perSecond = await alternate(bench, rounds, {
      parley: async () => {
        const tokens = people.splice(0, clients).map(({ refreshToken }) => refreshToken)
        const load = {
          connections: clients,
          threads: clients,
          seconds,
          script: 'refresh',
          args: tokens,
        } as const
        return (await wrk(`${parley.url}/auth/sessions/refresh`, load)).perSecond
      },
      floor: async () => Number(await outputOf(script('floors/commits.ts', ownDir, String(seconds)))),
    })
    await parley.stop()
    return [
      {
        what: `POST /auth/sessions/refresh, ${clients} clients`,
        unit: 'requests/s',
        better: 'more',
        parley: median(perSecond.parley),
        floor: { value: median(perSecond.floor), by: 'commits of one client, `synchronous=FULL`' },
        result: { value: ratioOf(perSecond.parley, perSecond.floor) },
        target: { moreThan: 1 },
      },
    ]
  },
}
