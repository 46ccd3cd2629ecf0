import { describe, expect, test } from 'bun:test'
import { type MailOrder, render } from '../../src/modules/auth/mails/index.ts'
import { locales } from '../../src/texts/index.ts'

type Params<T extends MailOrder['template']> = Extract<MailOrder, { template: T }>['params']

const code = (locale: MailOrder['locale'], params: Partial<Params<'sign_up_code'>> = {}) =>
  render({
    template: 'sign_up_code',
    to: 'alice@example.com',
    locale,
    params: { code: '012345', username: 'alice_1', redirectTo: null, ...params },
  })
const notice = (locale: MailOrder['locale'], username = 'alice_1') =>
  render({ template: 'account_exists', to: 'alice@example.com', locale, params: { username } })

/** What a person sees of the HTML. */
const visible = (html: string) =>
  html
    .slice(html.indexOf('<body'))
    .replace(/<[^>]+>/g, '')
    .replaceAll('&quot;', '"')

const subjects = {
  'zh-CN': { code: '012345 是你的 Parley 验证码', notice: '你已经有 Parley 账号了' },
  en: { code: '012345 is your Parley code', notice: 'You already have a Parley account' },
}
const sentences = {
  'zh-CN': {
    reason: '有人正在用这个邮箱注册 Parley，用户名是“alice_1”',
    validity: '验证码 10 分钟内有效，只能使用一次',
    notYou: '没有验证码，账号就不会创建',
    belongs: '已经属于你的账号“alice_1”',
    advice: '请直接用原来的密码登录',
  },
  en: {
    reason: 'signing up for Parley with this e-mail address and the username "alice_1"',
    validity: 'once, within 10 minutes',
    notYou: 'without the code no account is created',
    belongs: 'already belongs to your account "alice_1"',
    advice: 'sign in with the password you already have',
  },
}

describe.each(locales.map(locale => [locale] as const))('mails in %s', locale => {
  const says = sentences[locale]

  test('the code mail goes to its address and names code and product in its subject', () => {
    const mail = code(locale)
    expect(mail.to).toBe('alice@example.com')
    expect(mail.subject).toBe(subjects[locale].code)
  })

  test('the code stands alone on its line, and unspaced in an element of its own', () => {
    const mail = code(locale)
    expect(mail.text).toMatch(/\n\n012345\n\n/)
    expect(mail.html).toMatch(/<p style="[^"]*monospace[^"]*">012345<\/p>/)
  })

  test.each([['reason'], ['validity'], ['notYou']] as const)(
    'the code mail gives the %s, in both forms',
    key => {
      const mail = code(locale)
      expect(mail.text).toContain(says[key])
      expect(visible(mail.html)).toContain(says[key])
    },
  )

  test('the notice names the account and what to do, and carries neither code nor link', () => {
    const mail = notice(locale)
    expect(mail.subject).toBe(subjects[locale].notice)
    for (const form of [mail.text, visible(mail.html)]) {
      expect(form).toContain(says.belongs)
      expect(form).toContain(says.advice)
      expect(form).not.toMatch(/\d{6}/)
    }
    expect(mail.text + mail.html).not.toContain('http')
  })

  test('the HTML says its language and suits dark and light', () => {
    for (const { html } of [code(locale), notice(locale)]) {
      expect(html).toContain(`<html lang="${locale}">`)
      expect(html).toContain('<meta name="color-scheme" content="light dark">')
    }
  })

  test('no placeholder is left open', () => {
    for (const mail of [code(locale, { redirectTo: 'https://app.example.com' }), notice(locale)])
      expect(mail.subject + mail.text + visible(mail.html)).not.toMatch(/[{}]|undefined|null/)
  })

  test('markup in a username is shown, not obeyed', () => {
    const username = `<img src=x onerror="a()">'&`
    for (const mail of [code(locale, { username }), notice(locale, username)]) {
      expect(mail.html).not.toContain('<img')
      expect(mail.html).toContain('&lt;img src=x onerror=&quot;a()&quot;&gt;&#x27;&amp;')
      expect(mail.text).toContain(username)
    }
  })
})

describe('the link back', () => {
  test('is absent without redirect_to', () => {
    const mail = code('en')
    expect(mail.text + mail.html).not.toContain('http')
  })

  test.each([
    ['https://app.example.com', 'https://app.example.com/?email=alice%40example.com'],
    [
      'https://app.example.com/welcome?from=mail#top',
      'https://app.example.com/welcome?from=mail&email=alice%40example.com#top',
    ],
    [
      'https://app.example.com/?email=mallory%40example.com',
      'https://app.example.com/?email=alice%40example.com',
    ],
    ['http://localhost:5173/a"b<c>', 'http://localhost:5173/a%22b%3Cc%3E?email=alice%40example.com'],
  ])('to %s carries the address', (redirectTo, link) => {
    const mail = code('en', { redirectTo })
    expect(mail.text.split('\n')).toContain(link)
    expect(mail.html).toContain(`<a href="${Bun.escapeHTML(link)}"`)
  })

  test('never carries the code, which a link scanner would spend', () => {
    const { html } = code('en', { redirectTo: 'https://app.example.com/welcome' })
    expect(html.match(/href="([^"]*)"/)?.[1]).not.toContain('012345')
  })
})
