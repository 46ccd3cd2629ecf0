import { errorCodes } from '../../errors.ts'
import { bodyBytes, limits } from '../../limits.ts'
import { fill } from '../../texts/index.ts'
import { statusOf } from '../problem.ts'
import template from './description.md' with { type: 'text' }

/** What stands above all operations. */
export const description = (): string =>
  fill(template, { codes: codesByStatus(), limits: limitTable(), bodyBytes })

const codesByStatus = () =>
  Object.entries(Object.groupBy(errorCodes, code => statusOf[code]))
    .map(([status, codes]) => `- ${status}: ${codes.map(code => `\`${code}\``).join(', ')}`)
    .join('\n')

const limitTable = () =>
  [
    ['Limit', 'At most', 'For each'],
    ['---', '---', '---'],
    ...Object.entries(limits).map(([name, { times, seconds, per }]) => [
      `\`${name}\``,
      `${times} in ${seconds / 60} min`,
      per,
    ]),
  ]
    .map(cells => `| ${cells.join(' | ')} |`)
    .join('\n')
