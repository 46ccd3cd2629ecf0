import type { Transporter } from 'nodemailer'
import { type Delivery, type Mail, type Mailer, MailRejected } from './mailer.ts'

/** Silence of the server at any step. */
const silenceMs = 10_000
/** The whole of one mail: a server that trickles its replies is never silent. */
const wholeMs = 60_000

/** Sends over kept connections. The URL may carry options of nodemailer, as `?requireTLS=true`. */
export class SmtpMailer implements Mailer {
  #transport: Promise<Transporter> | undefined

  constructor(
    private readonly url: string,
    private readonly from: string,
  ) {}

  async send(mail: Mail, { id, signal }: Delivery): Promise<void> {
    this.#transport ??= openTransport(this.url)
    const transport = await this.#transport
    try {
      await transport.sendMail({
        from: this.from,
        // As an object it is one address, whatever it holds.
        to: { name: '', address: mail.to },
        subject: mail.subject,
        text: mail.text,
        html: mail.html,
        messageId: `<${id}@${domainOf(this.from)}>`,
        // Keeps out-of-office replies away (RFC 3834).
        headers: { 'Auto-Submitted': 'auto-generated' },
        signal: AbortSignal.any([signal, AbortSignal.timeout(wholeMs)]),
        disableFileAccess: true,
        disableUrlAccess: true,
      })
    } catch (error) {
      throw isFinal(error as SmtpFailure) ? new MailRejected((error as Error).message) : error
    }
  }

  close(): void {
    this.#transport?.then(
      transport => transport.close(),
      () => {},
    )
  }
}

/** Imported with the first mail: the server starts sooner without. */
async function openTransport(url: string): Promise<Transporter> {
  const { createTransport } = await import('nodemailer')
  return createTransport({
    url,
    pool: true,
    connectionTimeout: silenceMs,
    greetingTimeout: silenceMs,
    socketTimeout: silenceMs,
    dnsTimeout: silenceMs,
    idleTimeout: 30_000,
    // Once more, for a kept connection that the server had closed; beyond that the outbox tries again.
    maxRequeues: 1,
  })
}

const domainOf = (mailbox: string): string => mailbox.match(/@([^\s>]+)/)?.[1] ?? 'localhost'

type SmtpFailure = Error & { command?: string; responseCode?: number }

/**
 * A 5xx for this recipient or this message (RFC 5321, 4.2.1). One for the sender, the sign-in or the session
 * is a matter of the settings, and the mail can go out once they are put right.
 */
const isFinal = ({ command, responseCode = 0 }: SmtpFailure): boolean =>
  responseCode >= 500 && (command === 'RCPT TO' || command === 'DATA')
