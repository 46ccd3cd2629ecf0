/** Every mail, once. How long each is tried is in limits.ts. */
import type { Mail } from '../../../adapters/mailer/mailer.ts'
import { type Locale, textsIn } from '../../../texts/index.ts'
import type { Texts } from '../../../texts/zh-CN.ts'
import { type AccountExists, accountExists } from './account-exists.ts'
import { html, type Letter, plainText } from './letter.ts'
import { type SignUpCode, signUpCode } from './sign-up-code.ts'

type Params = { sign_up_code: SignUpCode; account_exists: AccountExists }
type Template = keyof Params

const mails: { [T in Template]: Write<Params[T]> } = {
  sign_up_code: signUpCode,
  account_exists: accountExists,
}

type Write<P> = (to: string, params: P, texts: Texts, product: string) => Letter

/** A mail that is to be sent, in a form that can be kept. */
export type MailOrder = {
  [T in Template]: { template: T; to: string; locale: Locale; params: Params[T] }
}[Template]

const product = 'Parley'

/** The mail in its reader's language. */
export function render({ template, to, locale, params }: MailOrder): Mail {
  const write = mails[template] as Write<typeof params>
  const letter = write(to, params, textsIn(locale), product)
  return { to, subject: letter.subject, text: plainText(letter), html: html(letter, locale) }
}
