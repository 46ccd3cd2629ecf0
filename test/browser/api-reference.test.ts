/** The page at /docs, in a real browser. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { startApp, type TestApp } from '../harness/app.ts'
import { openPage, startBrowser } from '../harness/browser.ts'

const patience = 60_000

describe('GET /docs', () => {
  let app: TestApp
  let browser: Browser
  let opened: Awaited<ReturnType<typeof openPage>>
  beforeAll(async () => {
    app = await startApp()
    browser = await startBrowser()
    opened = await openPage(browser)
    await opened.page.goto(`${app.url}/docs`)
  }, patience)
  afterAll(async () => {
    await browser?.close()
    await app?.stop()
  }, patience)

  const operation = (id: string) => opened.page.locator(`.opblock[id$="-${id}"]`)

  test(
    'shows every operation of the document, by its tag',
    async () => {
      const { paths } = (await (await fetch(`${app.url}/openapi.json`)).json()) as {
        paths: Record<string, Record<string, { operationId: string; tags: string[] }>>
      }
      const documented = Object.values(paths)
        .flatMap(operations => Object.values(operations))
        .map(({ operationId, tags }) => `operations-${tags[0]?.replaceAll(' ', '_')}-${operationId}`)
      await opened.page.locator('.opblock').last().waitFor()
      const blocks = await opened.page.locator('.opblock').all()
      const shown = await Promise.all(blocks.map(block => block.getAttribute('id')))
      expect(shown.sort()).toEqual(documented.sort())
    },
    patience,
  )

  test(
    'tries a request out, with the token given to Authorize',
    async () => {
      const alice = await app.newUser()
      const { page } = opened
      await page.getByRole('button', { name: 'Authorize' }).first().click()
      await page.locator('.modal-ux input').fill(alice.access_token)
      await page.locator('.modal-ux').getByRole('button', { name: 'Apply credentials' }).click()
      await page.locator('.modal-ux').getByRole('button', { name: 'Close', exact: true }).click()

      const mine = operation('getMyProfile')
      await mine.locator('.opblock-summary-control').click()
      await mine.getByRole('button', { name: 'Execute' }).click()
      const answer = mine.locator('.live-responses-table')
      expect(await answer.locator('.response-col_status').last().textContent()).toStartWith('200')
      expect(await answer.locator('.response-col_description').last().textContent()).toContain(alice.username)
    },
    patience,
  )

  test(
    'sends the examples as they stand, and shows the answer of a stream',
    async () => {
      const send = operation('sendMessage')
      await send.locator('.opblock-summary-control').click()
      await send.locator('.response[data-code="200"] select').first().selectOption('text/event-stream')
      await send.getByRole('button', { name: 'Execute' }).click()
      const answer = send.locator('.live-responses-table .response-col_description').last()
      await answer.getByText('RUN_FINISHED').first().waitFor({ state: 'attached' })
      expect(await answer.textContent()).toContain('data: {"type":"RUN_STARTED"')
    },
    patience,
  )

  test('asks nobody but its own server, and has nothing to complain of', () => {
    expect(opened.requests.length).toBeGreaterThan(5)
    expect(opened.requests.filter(url => !url.startsWith(`${app.url}/`))).toEqual([])
    expect(opened.complaints).toEqual([])
  })
})
