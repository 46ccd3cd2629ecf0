/** A real Chromium, and everything a page does in it that a reader does not see. */
import { type Browser, chromium } from 'playwright-core'
import { installed } from './installed.ts'

const programs = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

export async function startBrowser(): Promise<Browser> {
  const executablePath = await installed({ programs, of: 'chromium', for: 'These tests need' })
  return chromium.launch({ executablePath })
}

/** A page, the addresses it asks for, and what it complains of: errors, and breaches of its own policy. */
export async function openPage(browser: Browser) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 1600 }, locale: 'en' })
  const page = await context.newPage()
  const requests: string[] = []
  const complaints: string[] = []
  page.on('request', request => requests.push(request.url()))
  page.on('requestfailed', request => complaints.push(`not loaded: ${request.url()}`))
  page.on('pageerror', error => complaints.push(error.message))
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  return { page, requests, complaints }
}
