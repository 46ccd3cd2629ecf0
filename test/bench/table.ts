/** The figures as a Markdown table. */
import { type Figure, isMet, type Rival, type Target } from './figure.ts'
import type { Report } from './report.ts'

const head = [
  'What',
  'Parley',
  'Floor',
  'Result',
  'Target',
  'Met',
  'Rivals: so many times better is Parley',
  'Date',
]

/** @param names of the rows, in their order */
export function table({ machine, versions, rows }: Report, names: string[]): string {
  const lines = names.flatMap(name =>
    (rows[name]?.figures ?? []).map(figure => [...cells(figure), rows[name]!.date]),
  )
  const drawn = [head, head.map(() => '---'), ...lines].map(line => `| ${line.join(' | ')} |`)
  return [`${versions}; ${machine}.`, '', ...drawn].join('\n')
}

const cells = (figure: Figure): string[] => [
  figure.what,
  `${readable(figure.parley)} ${figure.unit}`,
  [figure.floor ?? [], figure.between ?? []]
    .flat()
    .map(({ value, by }) => `${readable(value)} ${figure.unit}: ${by}`)
    .join('<br>'),
  `${readable(figure.result.value)} ${figure.result.unit ?? ''}`.trim(),
  ...(figure.target ? verdict(figure.result, figure.target) : ['', '']),
  (figure.rivals ?? []).map(rival => words(rival, figure.unit)).join('<br>'),
]

const words = (rival: Rival, unit: string): string => {
  const note = rival.note ? ` (${rival.note})` : ''
  if ('notMeasured' in rival) return `${rival.name}${note} not measured: ${rival.notMeasured}`
  const target = rival.target && verdict({ value: rival.times }, rival.target).join(': ')
  return `${rival.name}${note} ${readable(rival.value)} ${unit}: ${readable(rival.times)}${target ? `, ${target}` : ''}`
}

const verdict = ({ value, unit = '' }: Figure['result'], target: Target): string[] => [
  `${bound(target)} ${unit}`.trim(),
  isMet(value, target) ? 'yes' : '**no**',
]

const bound = (target: Target): string => {
  const [[kind, value]] = Object.entries(target) as [[string, number]]
  const sign = { atLeast: '≥', moreThan: '>', atMost: '≤', lessThan: '<' }[kind]
  return `${sign} ${readable(value)}`
}

/** Three digits that count, and no more than a measurement gives. */
export const readable = (value: number): string =>
  value.toLocaleString('en', { maximumSignificantDigits: Math.abs(value) < 1000 ? 3 : 4 })
