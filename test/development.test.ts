/** `bun run dev` on a copy of the sources. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { emptyFolder, tidy } from './harness/executable.ts'
import { freePort } from './harness/redis.ts'

setDefaultTimeout(60_000)
const root = join(import.meta.dir, '..')

test.each([
  ['the demonstration model', {}],
  ['a model API', { OPENAI_BASE_URL: 'http://127.0.0.1:1/v1', AGENT_MODEL: 'none' }],
])('a change is served without a restart, with %s', async (_, env) => {
  const cwd = emptyFolder()
  for (const part of ['src', 'package.json']) cpSync(join(root, part), join(cwd, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(cwd, 'node_modules'))
  const port = freePort()
  const server = Bun.spawn([process.execPath, 'run', '--silent', 'dev'], {
    cwd,
    env: { PATH: Bun.env.PATH, PORT: String(port), DEFAULT_LOCALE: 'en', ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const said = (sentence: string) => untilSaid(`http://127.0.0.1:${port}/api/v1/nothing`, sentence)
  try {
    await said('There is nothing at')
    const texts = join(cwd, 'src/texts/en.ts')
    for (const words of ['nothing to see at', 'still nothing at']) {
      writeFileSync(texts, readFileSync(texts, 'utf8').replace(/There is .* at/, `There is ${words}`))
      await said(`There is ${words}`)
    }
  } finally {
    server.kill()
    await server.exited
    await tidy()
  }
  expect(server.exitCode).toBe(0)
})

async function untilSaid(url: string, sentence: string): Promise<void> {
  let body = ''
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await Bun.sleep(50)) {
    body = await fetch(url).then(
      response => response.text(),
      () => '',
    )
    if (body.includes(sentence)) return
  }
  throw new Error(`not said within 30 s: ${sentence}; last: ${body}`)
}
