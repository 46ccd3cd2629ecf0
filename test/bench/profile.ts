/** What a .cpuprofile says, in short: the functions with the most time of their own, and with what they call. */
import { readFileSync } from 'node:fs'
import { root } from './processes.ts'

type Node = {
  id: number
  callFrame: { functionName: string; url: string; lineNumber: number }
  children?: number[]
}
type Profile = { nodes: Node[]; samples: number[]; timeDeltas: number[] }
type Times = Map<string, number>

/** While nothing runs nothing is sampled, so what lies between two samples is counted no longer than this. */
const longestMicroseconds = 2000
const shown = 25

export function hotFunctions(file: string): string {
  const { nodes, samples, timeDeltas }: Profile = JSON.parse(readFileSync(file, 'utf8'))
  const byId = new Map(nodes.map(node => [node.id, node]))
  const parents = new Map(
    nodes.flatMap(({ id, children = [] }) => children.map(child => [child, id] as const)),
  )
  const own: Times = new Map()
  const all: Times = new Map()
  for (const [i, id] of samples.entries()) {
    const microseconds = Math.min(timeDeltas[i]!, longestMicroseconds)
    const stack: string[] = []
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at))
      stack.push(nameOf(byId.get(at)!))
    add(own, stack[0]!, microseconds)
    for (const name of new Set(stack)) add(all, name, microseconds)
  }
  const total = [...own.values()].reduce((sum, time) => sum + time, 0)
  return [...lines('Time of their own', own, total), ...lines('With what they call', all, total)].join('\n')
}

const add = (times: Times, name: string, microseconds: number) =>
  times.set(name, (times.get(name) ?? 0) + microseconds)

const nameOf = ({ callFrame: { functionName, url, lineNumber } }: Node): string => {
  const place = url.replace(/^.*\/node_modules\//, '').replace(`file://${root}/`, '')
  return `${functionName || '(anonymous)'} ${place ? `${place}:${lineNumber + 1}` : 'in Bun'}`
}

const lines = (title: string, times: Times, total: number): string[] => [
  `\n${title}:`,
  ...[...times]
    .sort(([, a], [, b]) => b - a)
    .slice(0, shown)
    .map(([name, time]) => `${((time / total) * 100).toFixed(1).padStart(6)} %  ${name}`),
]
