/** What may befall the store of codes and limits. */
import { type Case, mustSoon } from '../case.ts'
import { type Outage, outage, type People } from '../outage.ts'
import type { Stage } from '../stage.ts'

const needs = { redis: true }

const unavailable = '503 codes_unavailable, Retry-After 5'

/** What needs a code is refused; everything else goes on. */
const away = {
  during: {
    'sign-up': unavailable,
    code: unavailable,
    resend: unavailable,
  },
  logged: [/^Redis cannot be used/, /^Redis is back/],
}

/** The code in hand is gone with it, and another is mailed on request. */
const forgotten = {
  during: { code: '401 invalid_code' },
  lift: (stage: Stage, { bob }: People) =>
    mustSoon(() => stage.mails().filter(({ to }) => to === bob.email).length === 2, 'a resend brings a code'),
}

const outages: Outage[] = [
  {
    name: 'redis-stopped',
    fault: 'Redis is killed, and started again, empty',
    strike: ({ parts }) => parts.redis!.kill(),
    async lift(stage) {
      await stage.parts.redis!.restart()
      await stage.untilHealthy()
    },
    ...away,
    after: { code: '401 invalid_code' },
  },
  {
    name: 'redis-paused',
    fault: 'Redis is frozen (SIGSTOP), and goes on',
    strike: ({ parts }) => parts.redis!.pause(),
    async lift(stage) {
      stage.parts.redis!.resume()
      await stage.untilHealthy()
    },
    ...away,
  },
  {
    name: 'redis-read-only',
    fault: 'Redis becomes a read-only replica, and a master again',
    strike: ({ parts }) => parts.redis!.command('REPLICAOF', '127.0.0.1', '1'),
    async lift(stage) {
      await stage.parts.redis!.command('REPLICAOF', 'NO', 'ONE')
      await stage.untilHealthy()
    },
    ...away,
  },
  {
    name: 'redis-restarted',
    fault: 'Redis is restarted, empty',
    async strike(stage) {
      await stage.parts.redis!.restart()
      await stage.untilHealthy()
    },
    ...forgotten,
    logged: away.logged,
  },
  {
    name: 'redis-flushed',
    fault: 'Redis is flushed',
    strike: ({ parts }) => parts.redis!.command('FLUSHALL'),
    ...forgotten,
  },
]

export const redis: Case[] = outages.map(each => outage('Redis', { needs, possible: away.logged, ...each }))
