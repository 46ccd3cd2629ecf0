/** Refreshing tokens, each on disk before it is answered, against one commit after another on the same disk. */
import type { Row } from '../figure.ts'
import { startParley } from '../parley.ts'
import { populate } from '../people.ts'
import { folder, outputOf, script } from '../processes.ts'
import { contestant, entered, leave } from '../rivals/entered.ts'
import { pocketBaseAccounts } from '../rivals/pocketbase.ts'
import { against, alternateWith, median, ratioOf } from '../rounds.ts'
import { wrk } from '../wrk/wrk.ts'

const clients = 32

export const refresh: Row = {
  name: 'refresh',
  async run(bench) {
    const rounds = bench.quick ? 3 : 5
    const seconds = bench.quick ? 1 : 2
    const dataDir = folder()
    // A round leaves its clients in the middle of a refresh, so the next one has others.
    const people = await populate(dataDir, 1000, clients * (rounds + 1))
    const parley = await startParley(dataDir)
    const ownDir = folder()
    await populate(ownDir, 1000, 0)

    const pocketBase = await entered('PocketBase', () => pocketBaseAccounts(1))
    const load = { connections: clients, threads: clients, seconds }
    const perSecond = await alternateWith(
      bench,
      rounds,
      {
        parley: async () => {
          const args = people.splice(0, clients).map(({ refreshToken }) => refreshToken)
          return (await wrk(`${parley.url}/auth/sessions/refresh`, { ...load, script: 'refresh', args }))
            .perSecond
        },
        floor: async () => Number(await outputOf(script('floors/commits.ts', ownDir, String(seconds)))),
      },
      [
        contestant(
          pocketBase,
          async ({ refresh }) =>
            (await wrk(refresh!.url, { ...load, script: 'post', headers: refresh!.headers })).perSecond,
          'writes nothing: the token before goes on working',
        ),
        { name: 'better-auth', notMeasured: 'it has no refresh: its session is prolonged as it is read' },
      ],
    )
    await parley.stop()
    await leave([pocketBase])
    const { own } = perSecond
    return [
      {
        what: `POST /auth/sessions/refresh, ${clients} clients`,
        unit: 'requests/s',
        better: 'more',
        parley: median(own.parley),
        floor: { value: median(own.floor), by: 'commits of one client, `synchronous=FULL`' },
        result: { value: ratioOf(own.parley, own.floor) },
        target: { moreThan: 1 },
        rivals: against(own.parley, perSecond.rivals, 'more'),
      },
    ]
  },
}
