import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { type Mail, type Mailer, MailRejected, openMailer } from '../../src/adapters/mailer/index.ts'
import { LogMailer } from '../../src/adapters/mailer/log.ts'
import { SmtpMailer } from '../../src/adapters/mailer/smtp.ts'
import { captureLog } from '../harness/log.ts'
import { type SmtpServer, startSmtp } from '../harness/smtp.ts'
import { stopwatch } from '../harness/stopwatch.ts'

const from = 'Parley <parley@mail.example.com>'
const mail: Mail = {
  to: 'alice@example.com',
  subject: '012345 是你的 Parley 验证码',
  text: '你好！\n\n012345\n\n{username} stays as it is.\n',
  html: '<p>012345 &amp; <b>你好</b></p>',
}
const never = new AbortController().signal
const send = (mailer: Mailer, changes: Partial<Mail> = {}, signal = never) =>
  mailer.send({ ...mail, ...changes }, { id: 'f00d', signal })

let smtp: SmtpServer
let log: ReturnType<typeof captureLog>
let mailer: Mailer

beforeEach(async () => {
  smtp = await startSmtp()
  log = captureLog()
})
afterEach(async () => {
  mailer.close()
  await smtp.stop()
  log.stop()
})

const mailers = {
  smtp: {
    open: () => new SmtpMailer(smtp.url, from),
    arrived: async () => {
      const { to, subject, text } = await smtp.nextMail(mail.to)
      return [to, subject, text].join('\n')
    },
  },
  log: { open: () => new LogMailer(), arrived: async () => log.lines.join('\n') },
}

describe.each(Object.entries(mailers))('every mailer: %s', (_name, { open, arrived }) => {
  beforeEach(() => {
    mailer = open()
  })

  test('hands over address, subject and the whole text', async () => {
    await send(mailer)
    const seen = await arrived()
    for (const part of [mail.to, mail.subject, ...mail.text.trim().split('\n')]) expect(seen).toContain(part)
  })

  test('takes mails at the same time', async () => {
    await Promise.all(['1', '2', '3'].map(subject => send(mailer, { subject })))
    const seen = [await arrived(), await arrived(), await arrived()].join()
    for (const subject of ['1', '2', '3']) expect(seen).toContain(`${subject}\n`)
  })

  test('can be closed unused, and twice', () => {
    mailer.close()
    mailer.close()
  })
})

describe('by SMTP', () => {
  beforeEach(() => {
    mailer = new SmtpMailer(smtp.url, from)
  })

  test("sends both forms, marked as automatic, under an id of the sender's domain", async () => {
    await send(mailer)
    const { html, headers } = await smtp.nextMail(mail.to)
    expect(html.trim()).toBe(mail.html)
    expect(headers['content-type']).toStartWith('multipart/alternative')
    expect(headers).toMatchObject({
      from,
      to: mail.to,
      'message-id': '<f00d@mail.example.com>',
      'auto-submitted': 'auto-generated',
    })
  })

  test.each([
    ['subject', { subject: 'hello\r\nBcc: eve@example.com\r\n\r\nbody' }],
    ['recipient', { to: 'alice@example.com\r\nBcc: eve@example.com' }],
    ['recipient command', { to: 'alice@example.com>\r\nRCPT TO:<eve@example.com' }],
    ['recipient list', { to: 'alice@example.com, eve@example.com' }],
  ])('nothing in the %s adds a header or a reader', async (_where, changes) => {
    await send(mailer, changes).catch(() => {})
    expect(smtp.tries).not.toContain('eve@example.com')
    for (const { headers } of smtp.mails) expect(headers).not.toHaveProperty('bcc')
  })

  test.each([['greylist'], ['refuse']] as const)(
    'a server that says %s may be tried again',
    async behaviour => {
      smtp.behave(behaviour)
      const failure = await send(mailer).catch(error => error)
      expect(failure).toBeInstanceOf(Error)
      expect(failure).not.toBeInstanceOf(MailRejected)
      smtp.behave('accept')
      await send(mailer)
      expect(smtp.mails).toHaveLength(1)
    },
  )

  test.each([['reject-recipient'], ['reject-message']] as const)('%s is final', async behaviour => {
    smtp.behave(behaviour)
    await expect(send(mailer)).rejects.toBeInstanceOf(MailRejected)
  })

  test('a server that is down may be tried again, and is found when it is back', async () => {
    await send(mailer)
    await smtp.stop()
    const failure = await send(mailer).catch(error => error)
    expect(failure).toBeInstanceOf(Error)
    expect(failure).not.toBeInstanceOf(MailRejected)
    smtp = await startSmtp(smtp.port)
    await send(mailer)
    expect(smtp.mails).toHaveLength(1)
  })

  test('a try is broken off at once when it is given up, and the next goes through', async () => {
    smtp.behave('hang', 'slow@example.com')
    const took = stopwatch()
    expect(
      await send(mailer, { to: 'slow@example.com' }, AbortSignal.timeout(100)).catch(() => 'broken off'),
    ).toBe('broken off')
    expect(took()).toBeLessThan(1000)
    await send(mailer)
    expect(smtp.mails.map(({ to }) => to)).toEqual([mail.to])
  })

  test('connections are kept', async () => {
    for (let sent = 0; sent < 3; sent++) await send(mailer)
    expect(smtp.connections()).toBe(1)
  })
})

describe('openMailer', () => {
  test.each([
    ['smtp', SmtpMailer],
    ['log', LogMailer],
  ] as const)('MAIL=%s', (MAIL, kind) => {
    mailer = openMailer({ MAIL, SMTP_URL: smtp.url, MAIL_FROM: from })
    expect(mailer).toBeInstanceOf(kind)
  })
})
