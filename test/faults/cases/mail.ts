/** What may befall the SMTP server. People notice nothing but that the mail comes later. */
import { type Case, mustSoon } from '../case.ts'
import { type Outage, outage } from '../outage.ts'
import type { Stage } from '../stage.ts'

const putOff = /the mail to .* is not out, next try in \d+ s/

/** A single try may fail unnoticed: nodemailer makes a second at once. */
const untilPutOff = (stage: Stage) =>
  mustSoon(() => putOff.test(stage.output()), 'a try that fails is logged', 40_000)

async function takeMails(stage: Stage): Promise<void> {
  await untilPutOff(stage)
  stage.smtp.behave('accept')
}

const outages: Outage[] = [
  {
    name: 'smtp-stopped',
    fault: 'The SMTP server is stopped, and started again',
    strike: ({ smtp }) => smtp.stop(),
    async lift(stage) {
      await untilPutOff(stage)
      await stage.restartSmtp()
    },
  },
  {
    name: 'smtp-refusing',
    fault: 'The SMTP server turns connections away (421), and takes mails again',
    strike: ({ smtp }) => smtp.behave('refuse'),
    lift: takeMails,
  },
  {
    name: 'smtp-greylisting',
    fault: 'The SMTP server puts recipients off (451), and takes mails again',
    strike: ({ smtp }) => smtp.behave('greylist'),
    lift: takeMails,
  },
  {
    name: 'smtp-hanging',
    waits: true,
    fault: 'The SMTP server falls silent in the middle of a mail, and takes mails again',
    strike: ({ smtp }) => smtp.behave('hang'),
    lift: takeMails,
  },
]

export const mail: Case[] = outages.map(each => outage('Mail', { logged: [putOff], ...each }))
