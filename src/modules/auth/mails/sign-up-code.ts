import { codeRules } from '../../../limits.ts'
import { fill } from '../../../texts/index.ts'
import type { Texts } from '../../../texts/zh-CN.ts'
import type { Letter } from './letter.ts'

export type SignUpCode = { code: string; username: string; redirectTo: string | null }

/** The code of a sign-up attempt, and whose attempt it is: the reader alone can tell whether it is theirs. */
export function signUpCode(to: string, params: SignUpCode, { mails }: Texts, product: string): Letter {
  const { signUpCode: texts, footer } = mails
  const { code, username, redirectTo } = params
  return {
    subject: fill(texts.subject, { code, product }),
    blocks: [
      { say: texts.greeting },
      { say: fill(texts.reason, { username, product }) },
      { code },
      { say: fill(texts.validity, { minutes: codeRules.seconds / 60 }) },
      ...(redirectTo ? [{ link: withEmail(redirectTo, to), label: texts.link }] : []),
      { say: fill(texts.notYou, { username }) },
      { note: fill(footer, { product }) },
    ],
  }
}

/** The page to go back to. It is told the address, never the code: link scanners would spend it. */
function withEmail(redirectTo: string, email: string): string {
  const url = new URL(redirectTo)
  url.searchParams.set('email', email)
  return url.href
}
