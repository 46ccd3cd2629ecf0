/** The app of docs/app-authors.md, as it stands there, in a real browser, on an origin of its own. */
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { en } from '../../src/texts/en.ts'
import { startApp, type TestApp } from '../harness/app.ts'
import { openPage, startBrowser } from '../harness/browser.ts'
import { startCuttable } from '../harness/cuttable.ts'
import { heldAnswers } from '../harness/held-answers.ts'
import { end, startRawModel, toolCalls, word } from '../harness/model.ts'

setDefaultTimeout(60_000)

type Person = Awaited<ReturnType<TestApp['newUser']>>

const hour = 3600 * 1000
let clock = 0
const { slowly, letGo } = heldAnswers()
let broken = true
const isAsked = () => !JSON.stringify(raw.requests.at(-1)!.body.messages).includes('"role":"tool"')

const raw = startRawModel({
  hello: async function* () {
    yield word('Hello ') + word('there') + end
  },
  'and then': async function* () {
    yield word('Then this') + end
  },
  slowly: slowly('slowly'),
  'fails once': () => {
    const said = broken ? 'sk-secret' : word('Whole again') + end
    const status = broken ? 403 : 200
    broken = false
    return new Response(said, { status, headers: { 'content-type': 'text/event-stream' } })
  },
  ...Object.fromEntries(
    ['yes please', 'no thanks'].map(bio => [
      bio,
      async function* () {
        yield isAsked() ? toolCalls({ name: 'update_my_profile', args: { bio } }) : word('Done.') + end
      },
    ]),
  ),
})

let app: TestApp
let way: Awaited<ReturnType<typeof startCuttable>>
let site: ReturnType<typeof Bun.serve>
let browser: Browser
let alice: Person
let page: Page
let complaints: string[]
beforeAll(async () => {
  let script = ''
  site = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: request =>
      request.url.endsWith('/main.js')
        ? new Response(script, { headers: { 'content-type': 'text/javascript' } })
        : new Response('<!doctype html><div id="app"></div><script src="/main.js"></script>', {
            headers: { 'content-type': 'text/html; charset=utf-8' },
          }),
  })
  const now = () => Date.now() + clock
  app = await startApp({ ...raw.environment, CORS_ORIGINS: site.url.origin }, { now })
  way = await startCuttable(app.url)
  script = await bundle(way.url)
  browser = await startBrowser()
  alice = await app.newUser()
})
afterAll(async () => {
  await browser?.close()
  way?.stop()
  await app?.stop()
  await site?.stop(true)
  await raw.stop()
})

async function bundle(url: string): Promise<string> {
  const { outputs } = await Bun.build({
    entrypoints: [join(import.meta.dir, '../../docs/examples/main.tsx')],
    define: { PARLEY_URL: JSON.stringify(url), 'process.env.NODE_ENV': '"production"' },
  })
  return outputs[0]!.text()
}

/** What the page complains of by itself: that an answer was no success is the browser's remark, not the page's. */
const ownComplaints = () => complaints.filter(text => !/Failed to load resource|^not loaded/.test(text))

const button = (name: string) => page.getByRole('button', { name, exact: true })
const articles = () => page.getByRole('article')
const says = (text: string) => page.getByText(text, { exact: true }).last().waitFor()
async function say(text: string) {
  await page.getByLabel('Message').fill(text)
  await button('Send').click()
}
async function signIn(password: string) {
  await page.getByLabel('E-mail').fill(alice.email)
  await page.getByLabel('Password').fill(password)
  await button('Sign in').click()
}

beforeEach(async () => {
  const context = await openPage(browser)
  page = context.page
  complaints = context.complaints
  await page.goto(site.url.href)
  await signIn(alice.password)
  await button('Send').waitFor()
})

describe('the app for authors', () => {
  test('tells a wrong password by its sentence', async () => {
    await button('Sign out').click()
    await signIn('wrong password')
    await says(en.errors.invalid_credentials)
    await page.reload()
    await button('Sign in').waitFor()
  })

  test('streams an answer, and another, which are there after a reload', async () => {
    await say('hello')
    await says('Hello there')
    await say('and then')
    await says('Then this')
    await page.reload()
    await says('Then this')
    expect(await articles().allInnerTexts()).toEqual(['hello', 'Hello there', 'and then', 'Then this'])
    expect(ownComplaints()).toEqual([])
  })

  test('reads on after a reload in mid-answer', async () => {
    await say('slowly')
    await says('first')
    await page.reload()
    await says('first')
    await button('Stop').waitFor()
    await letGo('slowly')
    await says('first last')
    expect(await articles().allInnerTexts()).toEqual(['slowly', 'first last'])
    expect(ownComplaints()).toEqual([])
  })

  test('stops the answer on the server, and goes on from what there was', async () => {
    const before = raw.aborted.length
    await say('slowly')
    await says('first')
    await button('Stop').click()
    await button('Answer again').waitFor()
    while (raw.aborted.length === before) await Bun.sleep(5)
    await say('hello')
    await says('Hello there')
    expect(await articles().allInnerTexts()).toEqual(['slowly', 'first', 'hello', 'Hello there'])
  })

  test.each([
    ['yes please', 'Yes', 'done'],
    ['no thanks', 'No', 'not allowed'],
  ])('asks before a tool is used, also after a reload: %s', async (text, answer, outcome) => {
    const bio = async () => (await app.as(alice)('GET', '/users/me')).body.bio
    const before = await bio()
    await say(text)
    await says('May update_my_profile be used?')
    await page.reload()
    await says('May update_my_profile be used?')
    expect(await bio()).toBe(before)
    await button(answer).click()
    await says('Done.')
    await says(`update_my_profile: ${outcome}`)
    expect(await bio()).toBe(answer === 'Yes' ? text : before)
    expect(await articles().count()).toBe(2)
    expect(ownComplaints()).toEqual([])
  })

  test('shows why an answer failed, and tries again', async () => {
    await say('fails once')
    await page.getByRole('alert').filter({ hasText: en.errors.model_rejected_key }).waitFor()
    await button('Try again').click()
    await says('Whole again')
    expect(await articles().allInnerTexts()).toEqual(['fails once', 'Whole again'])
  })

  test('answers again in place of the answer', async () => {
    await say('hello')
    await says('Hello there')
    const asked = raw.requests.length
    await button('Answer again').click()
    while (raw.requests.length === asked) await Bun.sleep(5)
    await button('Answer again').waitFor()
    const expected = ['hello', 'Hello there']
    while (!Bun.deepEquals(await articles().allInnerTexts(), expected)) await Bun.sleep(5)
  })

  test('renews the access token where it has expired, in two tabs at once', async () => {
    clock = -2 * hour
    const { body: expired } = await app.call('POST', '/auth/sessions', alice)
    clock = 0
    await page.evaluate(tokens => localStorage.setItem('parley', tokens), JSON.stringify(expired))
    const other = await page.context().newPage()
    await Promise.all([page.reload(), other.goto(`${site.url}#other`)])
    for (const tab of [page, other]) {
      await tab.getByLabel('Message').fill('hello')
      await tab.getByRole('button', { name: 'Send' }).click()
      await tab.getByText('Hello there').waitFor()
    }
    const kept = JSON.parse((await page.evaluate(() => localStorage.getItem('parley')))!)
    expect(kept.access_token).not.toBe(expired.access_token)
    const { refresh_token } = kept
    expect((await app.call('POST', '/auth/sessions/refresh', { refresh_token })).status).toBe(200)
  })

  test('reads the rest of an answer whose connection was lost', async () => {
    await say('slowly')
    await says('first')
    way.cut()
    await page.getByRole('alert').waitFor()
    await letGo('slowly')
    await button('Try again').click()
    await says('first last')
    expect(await articles().allInnerTexts()).toEqual(['slowly', 'first last'])
  })
})
