/** Runs cases, and tells of each what became of it, and how to have it again. */
import { type Case, NotHere, type Run, type Seen } from './case.ts'

export type Outcome =
  | { kind: 'passed'; seen: Seen }
  | { kind: 'failed'; why: string }
  | { kind: 'not here'; why: string }

export type Result = [Case, Outcome]
export type Options = Omit<Run, 'progress'>

/** So many of those that do not wait for most of their time. */
const atOnce = 5

export async function runAll(cases: Case[], options: Options): Promise<Result[]> {
  const results: Result[] = []
  const inTurn = async (cases: Iterable<Case>) => {
    for (const each of cases) results.push([each, await runOne(each, options)])
  }
  const rest = cases.filter(({ waits, alone }) => !waits && !alone).values()
  await Promise.all([
    ...cases.filter(({ waits }) => waits).map(each => inTurn([each])),
    ...Array.from({ length: atOnce }, () => inTurn(rest)),
  ])
  await inTurn(cases.filter(({ alone }) => alone))
  return results.sort(([a], [b]) => cases.indexOf(a) - cases.indexOf(b))
}

async function runOne(each: Case, options: Options): Promise<Outcome> {
  const started = performance.now()
  const outcome = await outcomeOf(each, options)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${marks[outcome.kind]} ${each.name} (${seconds} s)`)
  if (outcome.kind === 'not here') console.log(`     not run: ${outcome.why}`)
  if (outcome.kind === 'failed')
    console.log(`     ${each.fault}: ${outcome.why}\n     again: ${commandFor(options, each.name)}`)
  return outcome
}

const marks: Record<Outcome['kind'], string> = { passed: 'ok  ', failed: 'FAIL', 'not here': '--  ' }

export const commandFor = ({ seed, kills, soakMinutes }: Options, name = ''): string =>
  ['bun run test:faults', name, `--seed ${seed} --kills ${kills} --soak ${soakMinutes}`]
    .filter(Boolean)
    .join(' ')

async function outcomeOf({ name, run }: Case, options: Options): Promise<Outcome> {
  const progress = (text: string) => console.log(`     ${name}: ${text}`)
  try {
    return { kind: 'passed', seen: await run({ ...options, progress }) }
  } catch (error) {
    if (error instanceof NotHere) return { kind: 'not here', why: error.message }
    return { kind: 'failed', why: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}
