/**
 * All checks in one run: types, lint and format, the build of the executable, the tests, the faults and the fuzzing
 * in short. Every one is run whatever became of those before; a step counts as one check. Ends with the sum of each, with
 * what failed of the tests said once more, and the line "N passed, N failed".
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

type Count = { passed: number; failed: number; failures?: string[] }

const root = join(import.meta.dir, '..')
const scratch = mkdtempSync(join(tmpdir(), 'parley-check-'))
const junit = join(scratch, 'tests.xml')

const results: Array<[name: string, count: Count]> = [
  ['types', await step('types', 'node_modules/.bin/tsc', '--noEmit')],
  [
    'types of the examples',
    await step('types of the examples', 'node_modules/.bin/tsc', '-p', 'docs/examples'),
  ],
  ['lint and format', await step('lint and format', 'node_modules/.bin/biome', 'check', '.')],
  ['executable', await step('executable', 'scripts/build.ts')],
  ['tests', await tests()],
  ['faults', await step('faults', 'test/faults/main.ts', '--short')],
  // From one seed, so that no check fails by luck; the long form looks for more.
  ['fuzz', await step('fuzz', 'test/fuzz/main.ts', '--minutes=0.8', '--seed=1')],
]
rmSync(scratch, { recursive: true })

const total = { passed: 0, failed: 0 }
console.log()
for (const [name, { passed, failed, failures = [] }] of results) {
  console.log(`${failed === 0 ? 'ok  ' : 'FAIL'} ${name}: ${passed} passed, ${failed} failed`)
  for (const failure of failures) console.log(failure)
  total.passed += passed
  total.failed += failed
}
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exit(total.failed === 0 ? 0 : 1)

async function step(name: string, ...args: string[]): Promise<Count> {
  return (await run(name, ...args)) === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}

async function tests(): Promise<Count> {
  const status = await run(
    'tests',
    'test',
    '--timeout=60000',
    '--reporter=junit',
    `--reporter-outfile=${junit}`,
  )
  const report = existsSync(junit) ? readFileSync(junit, 'utf8') : ''
  const { passed, failed } = counted(report)
  // A runner that died, or that met an error outside of any test, has not passed whatever it counted.
  return {
    passed,
    failed: Math.max(failed, status === 0 && passed > 0 ? 0 : 1),
    failures: failedTests(report),
  }
}

/** What the runner's report says; nothing where there is none. A skipped test has not passed. */
function counted(report: string): Count {
  const [, tests = 0, failures = 0, skipped = 0] = (
    /<testsuites [^>]*\btests="(\d+)"[^>]*\bfailures="(\d+)"[^>]*\bskipped="(\d+)"/.exec(report) ?? []
  ).map(Number)
  return { passed: tests - failures - skipped, failed: failures + skipped }
}

/** Each test that failed or was skipped: name, place, and how what it said begins. Among 1,400 others it is hard to find. */
function failedTests(report: string): string[] {
  const cases = report.matchAll(/<testcase ([^>]*[^/])>\s*<(failure|skipped)\b([^>]*)>/g)
  return Array.from(cases, ([, testCase = '', what, failure = '']) => {
    const place = `${attribute(testCase, 'file')}:${attribute(testCase, 'line')}`
    const said = attribute(failure, 'message').split('\n').filter(Boolean).slice(0, 10)
    return [`${what}: ${attribute(testCase, 'name')} (${place})`, ...said].join('\n  ')
  })
}

function attribute(tag: string, name: string): string {
  const escaped = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? ''
  const characters: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&', '#10': '\n' }
  return escaped.replace(/&(#10|\w+);/g, (entity, of) => characters[of] ?? entity)
}

/** Runs Bun with these arguments; its output is shown as it comes. */
async function run(name: string, ...args: string[]): Promise<number> {
  console.log(`\n== ${name}`)
  const child = Bun.spawn([process.execPath, ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  return child.exited
}
