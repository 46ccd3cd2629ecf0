import { log } from '../../log.ts'
import type { Mail, Mailer } from './mailer.ts'

/** Prints mails to the log, for development. The one place where a code may be printed. */
export class LogMailer implements Mailer {
  async send({ to, subject, text }: Mail): Promise<void> {
    const lines = text.trimEnd().split('\n')
    const message = [`mail to ${to}: ${subject}`, ...lines.map(line => `  | ${line}`.trimEnd())].join('\n')
    // Braces are doubled, since the logger takes them for placeholders.
    log.info(message.replace(/[{}]/g, '$&$&'))
  }

  close(): void {}
}
