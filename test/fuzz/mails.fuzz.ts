/** E-mail addresses, as people and others type them, and the mails that go to them. */
import { afterAll, beforeAll, describe, expect } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import fc from 'fast-check'
import { SmtpMailer } from '../../src/adapters/mailer/smtp.ts'
import { normaliseEmail } from '../../src/modules/auth/email.ts'
import { render } from '../../src/modules/auth/mails/index.ts'
import { emailBody } from '../../src/modules/auth/schema.ts'
import { usernameParams } from '../../src/modules/users/schema.ts'
import { locales } from '../../src/texts/index.ts'
import { type ArrivedMail, type SmtpServer, startSmtp } from '../harness/smtp.ts'
import { edited } from './edited.ts'
import { holds } from './holds.ts'

const isAccepted = (email: string) => Value.Check(emailBody, { email })
const matching = ({ pattern = '' }: { pattern?: string }) => fc.stringMatching(new RegExp(pattern))
const accepted = matching(emailBody.properties.email).filter(isAccepted)
const username = matching(usernameParams.properties.username).filter(name => name.length <= 30)
const hostile = fc.oneof(
  accepted.chain(email =>
    edited(
      email,
      fc.constantFrom('\r\n', '\n', ' ', ',', '<', '>', '"', ';', '@', '\u0000', 'Bcc: eve@example.com'),
    ),
  ),
  fc.string({ unit: 'binary' }),
)

describe('an e-mail address', () => {
  holds('is one line with one @ once it is accepted, however it was typed', () =>
    fc.property(fc.oneof(accepted, hostile), email => {
      if (isAccepted(email)) expect(normaliseEmail(email)).toMatch(/^[^\s@,;<>"]+@[a-z0-9.-]+$/)
    }),
  )

  holds('is the same in any case and with spaces around it, and then stays as it is', () =>
    fc.property(accepted, fc.stringMatching(/^\s{0,5}$/), (email, space) => {
      const kept = normaliseEmail(email)
      expect(normaliseEmail(`${space}${email.toUpperCase()}${space}`)).toBe(kept)
      expect(normaliseEmail(kept)).toBe(kept)
      expect(isAccepted(kept)).toBe(true)
    }),
  )
})

describe('a mail, over SMTP', () => {
  let smtp: SmtpServer
  let mailer: SmtpMailer
  beforeAll(async () => {
    smtp = await startSmtp()
    mailer = new SmtpMailer(smtp.url, 'Parley <parley@mail.example.com>')
  })
  afterAll(async () => {
    mailer.close()
    await smtp.stop()
  })

  const send = async (mail: ReturnType<typeof render>) => {
    const before = smtp.mails.length
    const delivery = { id: 'f00d', signal: new AbortController().signal }
    const taken = await mailer.send(mail, delivery).then(
      () => true,
      () => false,
    )
    return { taken, arrived: smtp.mails.slice(before) }
  }
  /** On the wire quotes stand around what has a dot too many; they are no part of it (RFC 5321, 4.1.2). */
  const unquoted = (address: string) => address.replace(/^"(.*)"@/, '$1@')
  const headers = [
    'auto-submitted',
    'content-type',
    'date',
    'from',
    'message-id',
    'mime-version',
    'subject',
    'to',
  ]
  const order = fc.record({
    username,
    locale: fc.constantFrom(...locales),
    redirectTo: fc.option(fc.webUrl({ withFragments: true, withQueryParameters: true })),
  })

  // This SMTP server takes no two dots in a row, though some providers have given them out, and no punycode of nothing.
  const deliverable = accepted.map(normaliseEmail).filter(email => !/\.\.|xn--/.test(email))

  holds(
    'arrives at its address alone, whole, with its own headers and no other',
    () =>
      fc.asyncProperty(deliverable, order, async (to, { locale, ...params }) => {
        const mail = render({ template: 'sign_up_code', to, locale, params: { ...params, code: '012345' } })
        const { taken, arrived } = await send(mail)
        expect([taken, arrived.length]).toEqual([true, 1])
        const [{ to: reached, subject, text, headers: found }] = arrived as [ArrivedMail]
        expect([unquoted(reached), subject, text]).toEqual([to, mail.subject, mail.text])
        expect(Object.keys(found).sort()).toEqual(headers)
      }),
    1.5,
  )

  holds(
    'gets no other reader and no other header by an address that should never have come this far',
    () =>
      fc.asyncProperty(hostile, order, async (to, { locale, username }) => {
        const mail = render({ template: 'account_exists', to, locale, params: { username } })
        const { arrived } = await send(mail)
        expect(arrived.length).toBeLessThanOrEqual(1)
        for (const { headers: found, subject, text } of arrived) {
          expect(Object.keys(found).sort()).toEqual(headers)
          expect([subject, text]).toEqual([mail.subject, mail.text])
        }
      }),
    1.5,
  )
})
