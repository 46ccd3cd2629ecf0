/** From the shell to the first answer, and what it weighs when nothing happens; against empty executables. */
import type { Bench, Figure, Row } from '../figure.ts'
import { compile } from '../floors/compile.ts'
import { startParley } from '../parley.ts'
import { folder, memoryOf, type Server, serve } from '../processes.ts'
import { startBetterAuth } from '../rivals/better-auth.ts'
import { startMastra } from '../rivals/mastra.ts'
import { startPocketBase } from '../rivals/pocketbase.ts'
import { against, alternateWith, type Contestant, median, ratioOf } from '../rounds.ts'

type Start = () => Promise<Server>

export const start: Row = {
  name: 'start',
  async run(bench) {
    const dataDir = folder()
    await (await startParley(dataDir)).stop()
    return [await firstAnswer(bench, dataDir), await idleMemory(bench, dataDir)]
  },
}

async function firstAnswer(bench: Bench, dataDir: string): Promise<Figure> {
  const empty = await compile('empty')
  const ms = await alternateWith(
    bench,
    bench.quick ? 3 : 15,
    { parley: () => timed(() => startParley(dataDir)), floor: () => timed(() => serve([empty])) },
    rivals(timed),
  )
  return {
    what: 'Executable to first answer',
    unit: 'ms',
    better: 'less',
    parley: median(ms.own.parley),
    floor: { value: median(ms.own.floor), by: 'an empty `Bun.serve`, compiled' },
    result: { value: ratioOf(ms.own.parley, ms.own.floor) },
    target: { atMost: 3 },
    rivals: against(ms.own.parley, ms.rivals, 'less'),
  }
}

/** Each on a data folder that is there from the second time on. */
function rivals(measure: (start: Start) => Promise<number>): Contestant[] {
  const [mastra, betterAuth, pocketBase] = [folder(), folder(), folder()]
  return [
    { name: 'Mastra', note: 'agent alone', once: () => measure(() => startMastra(mastra)) },
    { name: 'better-auth', note: 'accounts alone', once: () => measure(() => startBetterAuth(betterAuth)) },
    { name: 'PocketBase', note: 'no agent', once: () => measure(() => startPocketBase(pocketBase)) },
  ]
}

async function timed(startServer: Start): Promise<number> {
  const started = performance.now()
  const server = await startServer()
  const ms = performance.now() - started
  await server.stop()
  return ms
}

async function idleMemory(bench: Bench, dataDir: string): Promise<Figure> {
  const elysia = await compile('elysia')
  const seconds = bench.quick ? 1 : 3
  const measure = (start: Start) => memoryAfter(seconds, start)
  const mib = await alternateWith(
    bench,
    bench.quick ? 1 : 3,
    { parley: () => measure(() => startParley(dataDir)), floor: () => measure(() => serve([elysia])) },
    rivals(measure),
    { warmUp: false },
  )
  return {
    what: `Memory (RSS) ${seconds} s after the start`,
    unit: 'MiB',
    better: 'less',
    parley: median(mib.own.parley),
    floor: { value: median(mib.own.floor), by: 'Elysia with one route, compiled' },
    result: { value: ratioOf(mib.own.parley, mib.own.floor) },
    target: { atMost: 1.6 },
    rivals: against(mib.own.parley, mib.rivals, 'less', { Mastra: { atLeast: 2 } }),
  }
}

async function memoryAfter(seconds: number, startServer: Start): Promise<number> {
  const server = await startServer()
  await Bun.sleep(seconds * 1000)
  const memory = await memoryOf(server.pid)
  await server.stop()
  return memory
}
