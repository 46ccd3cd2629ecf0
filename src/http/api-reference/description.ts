import { errorCodes } from '../../errors.ts'
import { bodyBytes, limits } from '../../limits.ts'
import { fill, textsIn } from '../../texts/index.ts'
import { statusOf } from '../problem.ts'
import template from './description.md' with { type: 'text' }

/** What stands above all operations. */
export const description = (): string =>
  fill(template, { errors: errorTable(), limits: limitTable(), bodyBytes })

const errorTable = () =>
  table(
    ['Status', '`code`', '`detail`'],
    [...errorCodes]
      .sort((one, other) => statusOf[one] - statusOf[other])
      .map(code => [String(statusOf[code]), `\`${code}\``, textsIn('en').errors[code]]),
  )

const limitTable = () =>
  table(
    ['Limit', 'At most', 'For each'],
    Object.entries(limits).map(([name, { times, seconds, per }]) => [
      `\`${name}\``,
      `${times} in ${seconds / 60} min`,
      per,
    ]),
  )

const table = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
