/** The figures that have rivals as an SVG of bars, readable on light and on dark. */
import type { Figure } from './figure.ts'
import type { Report } from './report.ts'
import { readable } from './table.ts'

const width = 760
/** Where bars begin, and how long the longest is. */
const left = 130
const longest = 460
const line = 18

type Bar = { who: string; value: number | null; kind: 'parley' | 'floor' | 'rival' }

/** @param names of the rows, in their order */
export function chart({ machine, versions, rows }: Report, names: string[]): string {
  const figures = names.flatMap(name => rows[name]?.figures ?? []).filter(({ rivals }) => rivals)
  let y = 3 * line
  const groups = figures.map(figure => {
    const drawn = group(figure, y)
    y += line * (bars(figure).length + 2)
    return drawn
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" height="${y}" role="img">
<title>Parley beside its floors and rivals</title>
<style>
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.what { font-weight: 600 }
.less { fill: #59636e }
.parley { fill: #0969da }
.floor { fill: #a0a7af }
.rival { fill: #bc6c00 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .less { fill: #9198a1 }
  .parley { fill: #4493f8 }
  .floor { fill: #656d76 }
  .rival { fill: #d98c21 }
}
</style>
<text x="0" y="12" class="less">${escaped(versions)}</text>
<text x="0" y="${12 + line}" class="less">${escaped(machine)}</text>
${groups.join('\n')}
</svg>
`
}

function group(figure: Figure, y: number): string {
  const all = bars(figure)
  const most = Math.max(...all.map(({ value }) => value ?? 0))
  const title = `<text x="0" y="${y}" class="what">${escaped(figure.what)} <tspan class="less">${figure.better} is better</tspan></text>`
  return [title, ...all.map((bar, i) => drawn(bar, figure.unit, most, y + line * (i + 1)))].join('\n')
}

const bars = ({ parley, floor, rivals = [] }: Figure): Bar[] => [
  { who: 'Parley', value: parley, kind: 'parley' },
  ...(floor ? [{ who: 'floor', value: floor.value, kind: 'floor' as const }] : []),
  ...rivals.map(rival => ({
    who: rival.name,
    value: 'value' in rival ? rival.value : null,
    kind: 'rival' as const,
  })),
]

function drawn({ who, value, kind }: Bar, unit: string, most: number, y: number): string {
  const length = value === null ? 0 : Math.max(1, Math.round((value / most) * longest))
  const bar = `<rect x="${left}" y="${y - 10}" width="${length}" height="12" rx="2" class="${kind}"/>`
  const text = value === null ? 'not measured' : `${readable(value)} ${unit}`
  return `<text x="${left - 8}" y="${y}" text-anchor="end">${escaped(who)}</text>${value === null ? '' : bar}<text x="${left + length + 6}" y="${y}">${escaped(text)}</text>`
}

const escaped = (text: string): string => Bun.escapeHTML(text)
