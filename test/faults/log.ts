/** What the executable has printed, held against what it is to print. */
import { must, mustSoon } from './case.ts'
import type { Person } from './person.ts'
import type { Stage } from './stage.ts'

const line = /^\S+Z (debug|info|warning|error) +(.*)$/

/**
 * Each pattern has its line, and nothing above the level info is in the log that has none; nor is a secret.
 * Returns the lines once each, for the table.
 * @param possible patterns that may have none
 */
export async function checkLog(
  stage: Stage,
  patterns: RegExp[],
  people: Person[],
  possible: RegExp[] = [],
): Promise<string> {
  const read = () => stage.output().split('\n').filter(Boolean).map(lineOf)
  for (const pattern of patterns)
    await mustSoon(() => read().some(({ text }) => pattern.test(text)), `${pattern} is logged`)
  const lines = read()
  const expected = ({ text }: Line) => [...patterns, ...possible].some(pattern => pattern.test(text))
  const unexpected = lines.find(line => line.level !== 'info' && line.level !== 'debug' && !expected(line))
  must(!unexpected, `nothing else is logged than is expected, but: ${unexpected?.text}`)
  checkSecrets(stage, people)
  return [...new Set(lines.filter(expected).map(({ level, text }) => `${level}: ${general(text)}`))].join(
    '<br>',
  )
}

type Line = { level: string; text: string }

/** What is no line of the log, as the traces of a crash, counts as an error. */
function lineOf(printed: string): Line {
  const [, level = 'error', text = printed] = line.exec(printed) ?? []
  return { level, text }
}

function checkSecrets(stage: Stage, people: Person[]): void {
  const secrets = people.flatMap(person => [
    person.password,
    ...person.sessions.flatMap(({ access, refresh, spent }) => [access, refresh, ...spent]),
  ])
  const mailed = new Set(stage.mails().flatMap(({ text }) => /^\d{6}$/m.exec(text) ?? []))
  const output = stage.output()
  // Six digits may well stand within an id.
  const numbers = output.match(/(?<![\w-])\d{6}(?![\w-])/g) ?? []
  const leaked = secrets.find(secret => output.includes(secret)) ?? numbers.find(number => mailed.has(number))
  must(!leaked, `no secret is logged, but ${leaked}`)
}

/** Without what differs from run to run. */
export const general = (text: string): string =>
  text
    .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '…')
    .replace(/\b[0-9a-f]{40}\b/g, '…')
    .replace(/\b\d+ (s:|answers)/g, '… $1')
    .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:…')
    .replace(/\/\S*\/data\b/g, 'data')
    .replace(/\S\*\*\*@/g, 'p***@')
