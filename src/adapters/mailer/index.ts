import type { Config } from '../../config.ts'
import { LogMailer } from './log.ts'
import type { Mailer } from './mailer.ts'
import { SmtpMailer } from './smtp.ts'

export { type Delivery, type Mail, type Mailer, MailRejected } from './mailer.ts'

/** By SMTP, or to the log. */
export const openMailer = ({
  MAIL,
  SMTP_URL,
  MAIL_FROM,
}: Pick<Config, 'MAIL' | 'SMTP_URL' | 'MAIL_FROM'>): Mailer =>
  MAIL === 'smtp' && SMTP_URL ? new SmtpMailer(SMTP_URL, MAIL_FROM) : new LogMailer()
