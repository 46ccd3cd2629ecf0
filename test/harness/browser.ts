/** A real Chromium, and everything a page does in it that a reader does not see. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const which = () => names.map(name => Bun.which(name)).find(path => path !== null)

export async function startBrowser(): Promise<Browser> {
  if (!which() && process.getuid?.() === 0 && Bun.which('apt-get')) await install()
  const executablePath = which()
  if (!executablePath)
    throw new Error(
      'These tests need Chromium. Install it with your package manager, as "sudo apt-get install chromium" or "brew install chromium", and run them again.',
    )
  return chromium.launch({ executablePath })
}

/** A page, the addresses it asks for, and what it complains of: errors, and breaches of its own policy. */
export async function openPage(browser: Browser) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1600 }, locale: 'en' })
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

/** Under a lock, since several test files may come here at once. */
async function install(): Promise<void> {
  const steps =
    'command -v chromium || { apt-get update && apt-get install -y --no-install-recommends chromium; }'
  const lock = join(tmpdir(), 'parley-install-chromium.lock')
  await Bun.spawn(['flock', lock, 'sh', '-c', steps], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdout: 'ignore',
    stderr: 'inherit',
  }).exited
}
