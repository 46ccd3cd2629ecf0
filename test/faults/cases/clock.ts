/** What becomes of tokens, codes and waiting mails when somebody sets the clock. */
import { type Case, mustSoon } from '../case.ts'
import { type Outage, outage } from '../outage.ts'
import { Person } from '../person.ts'

const needs = { clock: true }

/** A token is refused until the next refresh: it was expired once, or is dated by the other clock. */
const expired = { 'GET /users/me': '401 unauthenticated', 'PATCH /users/me': '401 unauthenticated' }

const outages: Outage[] = [
  {
    name: 'clock-forward',
    fault: 'The clock jumps two hours forward, and back again',
    needs,
    strike: ({ parts }) => parts.clock!.set('+2h'),
    lift: ({ parts }) => parts.clock!.set('+0'),
    during: { ...expired, code: '401 invalid_code' },
    after: { code: '401 invalid_code' },
  },
  {
    name: 'clock-far-forward',
    fault: 'The clock jumps forty days forward, and back again',
    needs,
    strike: ({ parts }) => parts.clock!.set('+40d'),
    lift: ({ parts }) => parts.clock!.set('+0'),
    during: {
      ...expired,
      refresh: '401 invalid_refresh_token',
      chat: '401 unauthenticated',
      'streamed chat': '401 unauthenticated',
      code: '401 invalid_code',
    },
    after: { ...expired, code: '401 invalid_code' },
  },
  {
    name: 'clock-back',
    fault: 'The clock is set back by a day while a mail waits for its next try, and forward again',
    needs,
    async strike(stage, { newcomers }) {
      const waiting = new Person(stage)
      newcomers.unshift(waiting)
      stage.smtp.behave('greylist')
      await waiting.signUp()
      await mustSoon(() => /is not out, next try/.test(stage.output()), 'its mail is tried')
      stage.parts.clock!.set('-1d')
      stage.smtp.behave('accept')
      await mustSoon(() => waiting.code, 'its mail does not wait for a day')
    },
    lift: ({ parts }) => parts.clock!.set('+0'),
    after: expired,
    logged: [/^the mail to .* is not out, next try in \d+ s/],
  },
]

export const clock: Case[] = outages.map(each => outage('Clock', each))
