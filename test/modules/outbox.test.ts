import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SmtpMailer } from '../../src/adapters/mailer/smtp.ts'
import { Database } from '../../src/database/database.ts'
import { outboxStore } from '../../src/database/outbox-store.ts'
import { codeRules } from '../../src/limits.ts'
import type { MailOrder } from '../../src/modules/auth/mails/index.ts'
import { backOff, Outbox, type OutboxStore } from '../../src/modules/auth/outbox.ts'
import { Secrets } from '../../src/secrets.ts'
import { captureLog } from '../harness/log.ts'
import { type SmtpServer, startSmtp } from '../harness/smtp.ts'
import { stopwatch } from '../harness/stopwatch.ts'

const to = 'alice@example.com'
const codeMail = (to: string, code = '012345'): MailOrder => ({
  template: 'sign_up_code',
  to,
  locale: 'en',
  params: { code, username: 'alice_1', redirectTo: null },
})
const notice: MailOrder = { template: 'account_exists', to, locale: 'en', params: { username: 'alice_1' } }

type Row = { id: number; sealed: Uint8Array; tries: number; due_at: number; expires_at: number }

let smtp: SmtpServer
let log: ReturnType<typeof captureLog>
let dataDir: string
let now: number
let clock: () => number
let parts: ReturnType<typeof open>

/** As after a start: on the database that is there, not yet sending. */
function open(secret = 'a secret of thirty-two bytes or more', changes: Partial<OutboxStore> = {}) {
  const database = new Database(join(dataDir, 'parley.db'))
  const store = outboxStore(database, new Secrets(secret))
  const mailer = new SmtpMailer(smtp.url, 'Parley <parley@example.com>')
  const outbox = new Outbox({ ...store, ...changes }, mailer, () => clock())
  const all = database.prepare<Row, []>('SELECT * FROM outbox ORDER BY id')
  return {
    store,
    outbox,
    rows: () => all.all(),
    /** Keeps mails as a service does: within a step, then waking the outbox. */
    async mail(...orders: Array<MailOrder | null>) {
      await database.write(() => {
        for (const order of orders) store.enqueue(order, now)
      })
      outbox.wake()
    },
    database,
    async close(withinMs?: number) {
      await outbox.stop(withinMs)
      mailer.close()
      database.close()
    },
  }
}

/** Ends this one and opens the next on the same folder. */
async function reopen(...options: Parameters<typeof open>) {
  await parts.close()
  parts = open(...options)
}

async function until(holds: () => boolean): Promise<void> {
  for (const took = stopwatch(); !holds(); await Bun.sleep(5))
    if (took() > 4000) throw new Error(`not within 4 s: ${holds}`)
}

beforeEach(async () => {
  smtp = await startSmtp()
  log = captureLog()
  dataDir = mkdtempSync(join(tmpdir(), 'parley-outbox-'))
  now = Date.now()
  clock = () => now
  parts = open()
})
afterEach(async () => {
  await parts.close(0)
  await smtp.stop()
  log.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

describe('what is kept', () => {
  test('holds neither code, nor address, nor username in clear', async () => {
    await parts.mail(codeMail(to), notice)
    const written = readdirSync(dataDir).map(file => readFileSync(join(dataDir, file)))
    expect(Buffer.concat(written).length).toBeGreaterThan(1000)
    for (const word of ['012345', 'alice', 'example.com', 'sign_up_code'])
      expect(Buffer.concat(written).includes(word)).toBe(false)
  })

  test('is as long for a decoy as for a mail', async () => {
    await parts.mail(codeMail(to), notice, null)
    expect(new Set(parts.rows().map(({ sealed }) => sealed.length)).size).toBe(1)
  })

  test('goes with the step it is part of', async () => {
    const failing = parts.database.write(() => {
      parts.store.enqueue(notice, now)
      throw new Error('the step failed')
    })
    await expect(failing).rejects.toThrow('the step failed')
    expect(parts.rows()).toEqual([])
  })

  test('a code mail expires with its code, a notice after a day', async () => {
    await parts.mail(codeMail(to), notice)
    expect(parts.rows().map(row => row.expires_at - now)).toEqual([codeRules.seconds * 1000, 86_400_000])
  })
})

describe('sending', () => {
  test('sends what was kept before the start and what is kept after it, and leaves nothing behind', async () => {
    await parts.mail(codeMail('before@example.com'))
    parts.outbox.start()
    expect((await smtp.nextMail('before@example.com')).subject).toBe('012345 is your Parley code')
    await parts.mail(notice)
    expect((await smtp.nextMail(to)).subject).toBe('You already have a Parley account')
    await until(() => parts.rows().length === 0)
  })

  test('sends each of many mails once, under an id of its own', async () => {
    parts.outbox.start()
    const people = Array.from({ length: 40 }, (_, n) => `user_${n}@example.com`)
    await Promise.all(people.map(person => parts.mail(codeMail(person))))
    await until(() => parts.rows().length === 0)
    expect(smtp.mails.map(mail => mail.to).sort()).toEqual(people.sort())
    expect(new Set(smtp.mails.map(({ headers }) => headers['message-id'])).size).toBe(40)
  })

  test('never sends a decoy, and says nothing of it', async () => {
    parts.outbox.start()
    await parts.mail(null)
    await until(() => parts.rows().length === 0)
    expect(smtp.connections()).toBe(0)
    expect(log.lines).toEqual([])
  })

  test('sends five at once, and a slow one does not hold the others', async () => {
    smtp.behave('hang', 'slow@example.com')
    parts.outbox.start()
    await parts.mail(...Array.from({ length: 4 }, () => codeMail('slow@example.com')))
    await until(() => smtp.tries.length === 4)
    await parts.mail(codeMail('quick@example.com'), notice)
    await smtp.nextMail('quick@example.com')
    await smtp.nextMail(to)
    await parts.mail(codeMail('slow@example.com'), codeMail('slow@example.com'))
    await until(() => smtp.tries.filter(person => person.startsWith('slow')).length === 5)
    await Bun.sleep(50)
    expect(smtp.tries.filter(person => person.startsWith('slow'))).toHaveLength(5)
  })
})

describe('a try that fails', () => {
  test.each([
    [0, 1000],
    [1, 2000],
    [2, 4000],
    [8, 256_000],
    [9, 300_000],
    [2000, 300_000],
  ])('number %i is followed by the next within %i ms, half of them at the least', (tries, most) => {
    expect(backOff(tries, 0)).toBe(most)
    expect(backOff(tries, 1)).toBe(most / 2)
  })

  test('is repeated when its time has come, not before, whatever wakes the outbox', async () => {
    smtp.behave('greylist')
    parts.outbox.start()
    await parts.mail(codeMail(to))
    await until(() => parts.rows()[0]?.tries === 1)
    const wait = parts.rows()[0]!.due_at - now
    expect(wait).toBeWithin(500, 1001)

    smtp.behave('accept')
    now += wait - 1
    await parts.mail(codeMail('other@example.com'))
    await smtp.nextMail('other@example.com')
    expect(smtp.tries.filter(person => person === to)).toHaveLength(1)

    now += 1
    parts.outbox.wake()
    await smtp.nextMail(to)
  })

  test('doubles the wait of the next', async () => {
    smtp.behave('refuse')
    parts.outbox.start()
    await parts.mail(notice)
    for (const [tries, most] of [
      [1, 1000],
      [2, 2000],
      [3, 4000],
    ] as const) {
      await until(() => parts.rows()[0]?.tries === tries)
      expect(parts.rows()[0]!.due_at - now).toBeWithin(most / 2, most + 1)
      now = parts.rows()[0]!.due_at
      parts.outbox.wake()
    }
  })

  test('is repeated without anything waking the outbox', async () => {
    clock = Date.now
    smtp.behave('greylist')
    parts.outbox.start()
    await parts.mail(codeMail(to))
    await until(() => parts.rows()[0]?.tries === 1)
    smtp.behave('accept')
    await smtp.nextMail(to)
  })

  test('waits no longer when the clock is set back by a day', async () => {
    smtp.behave('greylist')
    parts.outbox.start()
    await parts.mail(codeMail(to))
    await until(() => parts.rows()[0]?.tries === 1)
    smtp.behave('accept')
    now -= 24 * 60 * 60 * 1000
    parts.outbox.wake()
    await smtp.nextMail(to)
  })

  test('is logged with the address masked and without the code', async () => {
    smtp.behave('greylist')
    parts.outbox.start()
    await parts.mail(codeMail(to))
    await until(() => log.lines.length > 0)
    expect(log.lines.join()).toContain('the mail to a***@example.com is not out, next try in 1 s')
    expect(log.lines.join()).toContain('<a***@example.com> is greylisted')
    expect(log.lines.join()).not.toMatch(/alice|012345/)
  })
})

describe('a mail is dropped, with a line in the log', () => {
  test.each([
    ['reject-recipient', '550 5.1.1 <a***@example.com> is unknown'],
    ['reject-message', '554 5.7.1 no "****** is your Parley code" here'],
  ] as const)('when the server says %s', async (behaviour, line) => {
    smtp.behave(behaviour)
    parts.outbox.start()
    await parts.mail(codeMail(to))
    await until(() => parts.rows().length === 0)
    expect(log.lines.join()).toContain('the mail to a***@example.com was dropped')
    expect(log.lines.join()).toContain(line)
    expect(log.lines.join()).not.toMatch(/alice|012345/)
    expect(smtp.tries).toHaveLength(1)
  })

  test('when it has expired', async () => {
    await parts.mail(codeMail(to), codeMail('later@example.com'))
    now += codeRules.seconds * 1000
    await parts.mail(codeMail('fresh@example.com'))
    parts.outbox.start()
    await smtp.nextMail('fresh@example.com')
    await until(() => parts.rows().length === 0)
    expect(smtp.tries).toEqual(['fresh@example.com'])
    expect(log.lines).toEqual([
      'the mail to a***@example.com was dropped: it expired after 0 tries',
      'the mail to l***@example.com was dropped: it expired after 0 tries',
    ])
  })

  test('when the secret has changed since', async () => {
    await parts.mail(codeMail(to))
    await reopen('another secret of thirty-two bytes or more')
    parts.outbox.start()
    await until(() => parts.rows().length === 0)
    expect(smtp.tries).toEqual([])
    expect(log.lines).toEqual(['a mail was dropped: it was sealed under another secret'])
  })
})

describe('a restart', () => {
  test('loses nothing that was kept, sent or not yet', async () => {
    smtp.behave('refuse')
    parts.outbox.start()
    await parts.mail(codeMail('tried@example.com'))
    await until(() => parts.rows()[0]?.tries === 1)
    await parts.outbox.stop()
    await parts.mail(codeMail('untried@example.com'))

    await reopen()
    smtp.behave('accept')
    now += 1000
    parts.outbox.start()
    await smtp.nextMail('tried@example.com')
    await smtp.nextMail('untried@example.com')
    await until(() => parts.rows().length === 0)
    expect(smtp.mails).toHaveLength(2)
  })

  test('waits for the mails in hand, which then do not go out again', async () => {
    smtp.behave('slow')
    parts.outbox.start()
    await parts.mail(codeMail(to))
    await until(() => smtp.tries.length === 1)
    await parts.outbox.stop()
    expect(smtp.mails).toHaveLength(1)
    expect(parts.rows()).toEqual([])
  })

  test('begins no mail once it stops, not even one it is just reading', async () => {
    const reading = Promise.withResolvers<void>()
    await reopen(undefined, {
      next: limit => reading.promise.then(() => parts.store.next(limit)),
    })
    await parts.mail(codeMail(to))
    parts.outbox.start()
    const stopped = parts.outbox.stop()
    reading.resolve()
    await stopped
    expect(smtp.tries).toEqual([])
    expect(parts.rows()).toHaveLength(1)
  })

  test('does not wait for a mail that hangs: that one goes out after it', async () => {
    smtp.behave('hang')
    parts.outbox.start()
    await parts.mail(codeMail(to))
    await until(() => smtp.tries.length === 1)
    const started = performance.now()
    const took = stopwatch()
    await parts.outbox.stop(100)
    expect(performance.now() - started).toBeGreaterThanOrEqual(90)
    expect(took()).toBeLessThan(1000)
    expect(parts.rows()).toMatchObject([{ tries: 0 }])

    await reopen()
    smtp.behave('accept')
    parts.outbox.start()
    await smtp.nextMail(to)
  })
})

describe('a disk that is full', () => {
  test('does not make a mail go out twice', async () => {
    let full = 1
    await reopen(undefined, {
      done: id => (full-- > 0 ? Promise.reject(new Error('disk is full')) : parts.store.done(id)),
    })
    parts.outbox.start()
    await parts.mail(codeMail(to))
    await until(() => full === 0)
    await parts.mail(codeMail('other@example.com'))
    await smtp.nextMail('other@example.com')
    await until(() => parts.rows().length === 0)
    expect(smtp.mails.map(mail => mail.to)).toEqual([to, 'other@example.com'])
  })

  test('that cannot be read is looked at again', async () => {
    let broken = true
    await reopen(undefined, {
      next: limit => (broken ? Promise.reject(new Error('cannot read')) : parts.store.next(limit)),
    })
    parts.outbox.start()
    await parts.mail(codeMail(to))
    await until(() => log.lines.length > 0)
    broken = false
    parts.outbox.wake()
    await smtp.nextMail(to)
  })
})
