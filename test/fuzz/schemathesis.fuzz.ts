/** The same by another hand: schemathesis knows the document, what clients get wrong, and not our code. */
import { afterAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { emptyFolder } from '../harness/executable.ts'
import { minutes, seed } from './holds.ts'
import { beyondSchema, Known } from './known.ts'
import { schemathesis } from './schemathesis.ts'
import { startServer } from './server.ts'

const server = await startServer()
afterAll(() => server.stop())

const seconds = 12

test('schemathesis finds no request that is not answered as it is documented', async () => {
  const found = await schemathesis()
  if ('missing' in found)
    return console.log(
      `Schemathesis did not run (${found.missing}); the requests of requests.fuzz.ts stand alone.`,
    )
  const { records } = await Known.populate(server)
  const child = Bun.spawn(
    [found.program, '--config-file', config, 'run', `${server.url}/openapi.json`, ...options],
    {
      cwd: emptyFolder(),
      env: {
        ...process.env,
        SCHEMATHESIS_HOOKS: join(import.meta.dir, 'hooks.py'),
        FUZZ_KNOWN: JSON.stringify(records),
        FUZZ_BEYOND_SCHEMA: beyondSchema.join(),
        FUZZ_SEED: String(seed),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const output = await child.stdout.text()
  console.log((await child.exited) === 0 ? summaryOf(output) : output)
  expect(child.exitCode).toBe(0)
  await server.expectToBeWell()
})

const config = join(import.meta.dir, 'schemathesis.toml')
const options = [
  ...['--seed', String(seed), '--max-time', String(Math.ceil(seconds * minutes)), '--request-timeout', '10'],
  ...['--continue-on-failure', '--warnings', 'off', '--no-color'],
]

/** Its phases and how many requests they made. */
const summaryOf = (output: string): string =>
  [
    'Schemathesis:',
    ...output.split('\n').filter(line => /^ {5}✅|^ ✅ {2}(?!API)|\d generated/.test(line)),
  ].join('\n')
