/** What the bench says of its figures. */
import { afterAll, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { emptyFolder, tidy } from '../harness/executable.ts'
import { chart } from './chart.ts'
import type { Bench, Figure } from './figure.ts'
import { populateChats, rareWord } from './messages.ts'
import { startParley } from './parley.ts'
import { hotFunctions } from './profile.ts'
import type { Report } from './report.ts'
import { against, alternateWith } from './rounds.ts'
import { table } from './table.ts'

afterAll(tidy)

const bench: Bench = { quick: true, progress: () => {} }

const figure: Figure = {
  what: 'Something <asked>',
  unit: 'ms',
  better: 'less',
  parley: 2,
  floor: { value: 1, by: 'nothing else' },
  result: { value: 2 },
  target: { atMost: 1.5 },
  rivals: [
    { name: 'Slow', value: 8, times: 4, target: { atLeast: 4 } },
    { name: 'Absent', notMeasured: 'it needs Go to be built' },
  ],
}
const report: Report = {
  machine: 'a machine',
  versions: 'Parley 1',
  rows: { row: { date: '2026-01-02', figures: [figure] } },
}

test('a rival that fails is named with the reason, and costs nobody else a figure', async () => {
  const { own, rivals } = await alternateWith(bench, 3, { parley: async () => 2 }, [
    { name: 'Sound', once: async () => 6 },
    { name: 'Broken', once: () => Promise.reject(new Error('out of order')) },
    { name: 'Absent', notMeasured: 'not installed' },
  ])
  expect(own.parley).toEqual([2, 2, 2])
  expect(against(own.parley, rivals, 'less')).toMatchObject([
    { name: 'Sound', value: 6, times: 3 },
    { name: 'Broken', notMeasured: 'out of order' },
    { name: 'Absent', notMeasured: 'not installed' },
  ])
})

test('a failure of Parley or of a floor ends the row', async () => {
  const failing = { parley: () => Promise.reject(new Error('out of order')) }
  await expect(alternateWith(bench, 3, failing, [])).rejects.toThrow('out of order')
})

test.each([
  ['less', 0.5],
  ['more', 2],
] as const)(
  'where %s is better, a rival with half the figure makes Parley %p times better',
  (better, times) => {
    expect(against([4], [{ name: 'Half', values: [2] }], better)).toMatchObject([{ times }])
  },
)

test('the table has targets, met or not, and every rival', () => {
  const line = table(report, ['row']).split('\n').at(-1)
  expect(line).toBe(
    '| Something <asked> | 2 ms | 1 ms: nothing else | 2 | ≤ 1.5 | **no** | Slow 8 ms: 4, ≥ 4: yes<br>Absent not measured: it needs Go to be built | 2026-01-02 |',
  )
})

test('what lies between floor and figure stands below the floor', () => {
  const between = { value: 1.5, by: 'a little more' }
  const rows = { row: { date: '2026-01-02', figures: [{ ...figure, between }] } }
  expect(table({ ...report, rows }, ['row'])).toContain('| 1 ms: nothing else<br>1.5 ms: a little more | 2 |')
})

test.each([1000, 2000])('of %p messages, those who ask for them find as many of their own', async size => {
  const dataDir = emptyFolder()
  const person = (await populateChats(dataDir, size, 2000)).at(-1)!
  const { long, short } = person.chats
  const parley = await startParley(dataDir)
  const headers = { authorization: `Bearer ${person.accessToken}` }
  const get = async (path: string) => {
    const answer = await fetch(`${parley.url}${path}`, { headers })
    return (await answer.json()) as Record<'chats' | 'messages', Array<{ id: string }>>
  }
  const [list, found, { messages }] = await Promise.all([
    get('/agent-chats?limit=100'),
    get(`/agent-chats?q=${rareWord}`),
    get(`/agent-chats/${long}/messages?limit=100`),
  ])
  await parley.stop()
  expect(list.chats.map(({ id }) => id).toSorted()).toEqual([long, ...short].toSorted())
  expect(found.chats).toHaveLength(3)
  expect(messages).toHaveLength(100)
})

test('the chart has a bar for each that was measured, in proportion, and names who was not', () => {
  const svg = chart(report, ['row'])
  const bars = [...svg.matchAll(/<rect [^>]*width="(\d+)"[^>]*class="(\w+)"/g)].map(([, length, who]) => [
    who,
    +length!,
  ])
  expect(bars).toEqual([
    ['parley', 115],
    ['floor', 58],
    ['rival', 460],
  ])
  expect(svg).toContain('not measured')
  expect(svg).toContain('Something &lt;asked&gt;')
})

test('a profile is summed up without the time in which nothing ran', () => {
  const file = join(emptyFolder(), 'a.cpuprofile')
  const callFrame = (functionName: string) => ({ functionName, url: '', lineNumber: -1 })
  const nodes = [
    { id: 1, callFrame: callFrame('caller'), children: [2] },
    { id: 2, callFrame: callFrame('called') },
  ]
  writeFileSync(file, JSON.stringify({ nodes, samples: [1, 2, 1], timeDeltas: [1000, 1000, 9_000_000] }))
  expect(hotFunctions(file)).toBe(
    [
      '\nTime of their own:',
      '  75.0 %  caller in Bun',
      '  25.0 %  called in Bun',
      '\nWith what they call:',
      ' 100.0 %  caller in Bun',
      '  25.0 %  called in Bun',
    ].join('\n'),
  )
})
