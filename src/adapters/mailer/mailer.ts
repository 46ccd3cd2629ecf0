export type Mail = { to: string; subject: string; text: string; html: string }

export type Delivery = {
  /** The same at every try of a mail: a receiver that gets it twice can tell. */
  id: string
  /** Breaks the try off. */
  signal: AbortSignal
}

/** Where mails go. */
export interface Mailer {
  /** Hands the mail over. Rejects where it could not be, to be tried again; with MailRejected, not to be. */
  send(mail: Mail, delivery: Delivery): Promise<void>
  close(): void
}

/** The mail will never be taken, however often it is tried. */
export class MailRejected extends Error {
  override name = 'MailRejected'
}
