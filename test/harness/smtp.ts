/** A real SMTP server on a free loopback port, that collects mails and can be made to misbehave. */
import type { AddressInfo } from 'node:net'
import { type ParsedMail, simpleParser } from 'mailparser'
import { SMTPServer, type SMTPServerSession } from 'smtp-server'

/** A mail as it arrived; header names in lower case, values as they were sent. */
export type ArrivedMail = {
  to: string
  subject: string
  text: string
  html: string
  headers: Record<string, string>
  /** Which of the connections brought it, counted from one. */
  connection: number
}

/**
 * accept: takes every mail. slow: takes it after 300 ms. refuse: turns connections away for now (421). greylist: puts the recipient off
 * (451). reject-recipient: refuses the recipient for good (550). reject-message: refuses the message for good
 * (554). hang: never answers to the recipient again.
 */
export type SmtpBehaviour =
  | 'accept'
  | 'slow'
  | 'refuse'
  | 'greylist'
  | 'reject-recipient'
  | 'reject-message'
  | 'hang'

export type SmtpServer = Awaited<ReturnType<typeof startSmtp>>

/** @param port a stopped server's, to take its place */
export async function startSmtp(port = 0) {
  const mails: ArrivedMail[] = []
  const taken = new Set<ArrivedMail>()
  const arrivals = new EventTarget()
  const tries: string[] = []
  let connections = 0
  const numbers = new Map<string, number>()
  let general: SmtpBehaviour = 'accept'
  const particular = new Map<string, SmtpBehaviour>()
  const behaviourFor = (to: string) => particular.get(to) ?? general

  const turnAway = (_: unknown, answer: (error?: Error) => void) =>
    general === 'refuse' ? answer(refusal(421, '4.3.2 try again later')) : answer()
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    closeTimeout: 50,
    logger: false,
    onConnect(session, answer) {
      numbers.set(session.id, ++connections)
      turnAway(session, answer)
    },
    // A kept connection has passed onConnect before.
    onMailFrom: (_address, session, answer) => turnAway(session, answer),
    onRcptTo({ address }, _session, answer) {
      tries.push(address)
      const behaviour = behaviourFor(address)
      if (behaviour === 'hang') return
      if (behaviour === 'greylist') return answer(refusal(451, `4.7.1 <${address}> is greylisted`))
      if (behaviour === 'reject-recipient') return answer(refusal(550, `5.1.1 <${address}> is unknown`))
      answer()
    },
    async onData(stream, session, answer) {
      const [to = ''] = recipients(session)
      const parsed = await simpleParser(stream).catch(() => null)
      // The client died in the middle of it.
      if (!parsed) return answer(refusal(451, '4.4.2 the message is not whole'))
      if (behaviourFor(to) === 'reject-message')
        return answer(refusal(554, `5.7.1 no "${parsed.subject}" here`))
      if (behaviourFor(to) === 'slow') await Bun.sleep(300)
      const connection = numbers.get(session.id)!
      mails.push(...recipients(session).map(to => ({ ...arrived(to, parsed), connection })))
      arrivals.dispatchEvent(new Event('mail'))
      answer()
    },
  })
  // Clients that leave in the middle are part of the tests.
  server.on('error', () => {})
  await new Promise<void>(listening => server.listen(port, '127.0.0.1', listening))
  const address = server.server.address() as AddressInfo

  return {
    url: `smtp://127.0.0.1:${address.port}`,
    port: address.port,
    /** All that were accepted, in order. */
    mails,
    /** Every recipient that was offered, taken or not. */
    tries,
    /** How many have been opened so far. */
    connections: () => connections,
    /** The first mail for the address that no call before has returned; waits for it. */
    async nextMail(to: string, timeoutMs = 20_000): Promise<ArrivedMail> {
      const deadline = AbortSignal.timeout(timeoutMs)
      for (;;) {
        const mail = mails.find(mail => mail.to === to && !taken.has(mail))
        if (mail) {
          taken.add(mail)
          return mail
        }
        if (deadline.aborted) throw new Error(`no mail for ${to} within ${timeoutMs} ms`)
        await nextOf(arrivals, deadline)
      }
    },
    /** From now on, for all mails or for those to one address. */
    behave(behaviour: SmtpBehaviour, to?: string): void {
      if (to) particular.set(to, behaviour)
      else general = behaviour
    },
    stop: () => new Promise<void>(closed => server.close(closed)),
  }
}

const refusal = (responseCode: number, sentence: string) =>
  Object.assign(new Error(sentence), { responseCode })

const recipients = ({ envelope }: SMTPServerSession): string[] =>
  envelope.rcptTo.map(({ address }) => address)

const arrived = (to: string, { subject, text, html, headerLines }: ParsedMail) => ({
  to,
  subject: subject ?? '',
  text: text ?? '',
  html: html || '',
  headers: Object.fromEntries(
    headerLines.map(({ key, line }) => [
      key,
      line
        .slice(line.indexOf(':') + 1)
        .replace(/\r?\n\s+/g, ' ')
        .trim(),
    ]),
  ),
})

const nextOf = (arrivals: EventTarget, deadline: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    const go = () => {
      arrivals.removeEventListener('mail', go)
      deadline.removeEventListener('abort', go)
      resolve()
    }
    arrivals.addEventListener('mail', go)
    deadline.addEventListener('abort', go)
  })
