import { fill } from '../../../texts/index.ts'
import type { Texts } from '../../../texts/zh-CN.ts'
import type { Letter } from './letter.ts'

export type AccountExists = { username: string }

/** Tells the owner of an account that somebody signed up with its address. It carries no code. */
export function accountExists(
  _to: string,
  { username }: AccountExists,
  { mails }: Texts,
  product: string,
): Letter {
  const { accountExists: texts, footer } = mails
  return {
    subject: fill(texts.subject, { product }),
    blocks: [
      { say: fill(texts.greeting, { username }) },
      { say: fill(texts.reason, { username, product }) },
      { say: texts.advice },
      { say: texts.notYou },
      { note: fill(footer, { product }) },
    ],
  }
}
