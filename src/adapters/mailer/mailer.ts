export type Mail = { to: string; subject: string; text: string; html: string }

/** Where mails go. */
export interface Mailer {
  /** Hands the mail over; rejects where it could not be, to be tried again. */
  send(mail: Mail): Promise<void>
  close(): void
}
