/** The walk in each README, run as it stands there; the test is the reader who looks into the log for the code. */
import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { emptyFolder, loggedCode, startExecutable, tidy } from './harness/executable.ts'

setDefaultTimeout(60_000)
afterAll(tidy)

const root = join(import.meta.dir, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

type Block = { language: string; text: string }

const blocksOf = (page: string): Block[] =>
  [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, text]) => ({
    language: language!,
    text: text!,
  }))

describe.each([
  ['README.md', 'is your Parley code'],
  ['README.zh-CN.md', '是你的 Parley 验证码'],
])('%s', (path, subject) => {
  const blocks = blocksOf(read(path))
  const start = blocks.findIndex(({ text }) => text.startsWith('api='))
  const commands = blocks.slice(0, start).map(({ text }) => text.trim())
  const walk = blocks.slice(start)

  test('names the two commands, of which .ci/run calls the second', () => {
    expect(commands).toHaveLength(2)
    const [startCommand = '', checkCommand = ''] = commands
    expect(startCommand).toEndWith(' start')
    expect(checkCommand).toBe(startCommand.replace(/start$/, 'run check'))
    expect(read('.ci/run').trimEnd().split('\n').at(-1)).toBe(checkCommand)
  })

  test('walks from sign-up to sign-out, and every answer is as shown', async () => {
    const parley = await startExecutable({ env: { DEFAULT_LOCALE: '' } })
    const steps = walk.filter(({ language }) => language === 'sh')
    // The port is free here, and a mark stands between the steps' outputs.
    const script = ['set -eo pipefail', ...steps.map(({ text }) => `${text}printf '\\0'`)]
      .join('\n')
      .replace('http://127.0.0.1:3000', parley.url)
    const bash = Bun.spawn(['bash', '-c', script], { cwd: emptyFolder(), stdin: 'pipe', stdout: 'pipe' })
    bash.stdin.write(`${await loggedCode(parley, 'alice@example.com')}\n`)
    bash.stdin.end()
    expect(parley.output()).toContain(subject)
    const outputs = (await bash.stdout.text()).split('\0')

    expect(await bash.exited).toBe(0)
    expect(outputs).toHaveLength(steps.length + 1)
    for (const [index, step] of steps.entries())
      expect(outputs[index]!.trim()).toMatch(shown(walk[walk.indexOf(step) + 1]))
    await parley.kill()
  })
})

/** What the block after a step shows of its output, "…" standing for anything; no such block, no output. */
function shown(block: Block | undefined): RegExp {
  const text = block && block.language !== 'sh' ? block.text.trim() : ''
  return new RegExp(`^${text.split('…').map(RegExp.escape).join('[\\s\\S]*')}$`)
}
