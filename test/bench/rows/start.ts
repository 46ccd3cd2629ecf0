/** From the shell to the first answer, and what it weighs when nothing happens; against empty executables. */
import type { Bench, Figure, Row } from '../figure.ts'
import { compile } from '../floors/compile.ts'
import { startParley } from '../parley.ts'
import { folder, memoryOf, type Server, serve } from '../processes.ts'
import { alternate, median, ratioOf } from '../rounds.ts'

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
  const ms = await alternate(bench, bench.quick ? 5 : 21, {
    parley: () => timed(() => startParley(dataDir)),
    floor: () => timed(() => serve([empty])),
  })
  return {
    what: 'Executable to first answer',
    unit: 'ms',
    better: 'less',
    parley: median(ms.parley),
    floor: { value: median(ms.floor), by: 'an empty `Bun.serve`, compiled' },
    result: { value: ratioOf(ms.parley, ms.floor) },
    target: { atMost: 3 },
  }
}

async function timed(startServer: () => Promise<Server>): Promise<number> {
  const started = performance.now()
  const server = await startServer()
  const ms = performance.now() - started
  await server.stop()
  return ms
}

async function idleMemory(bench: Bench, dataDir: string): Promise<Figure> {
  const elysia = await compile('elysia')
  const seconds = bench.quick ? 1 : 5
  const mib = await alternate(bench, bench.quick ? 1 : 3, {
    parley: () => memoryAfter(seconds, () => startParley(dataDir)),
    floor: () => memoryAfter(seconds, () => serve([elysia])),
  })
  return {
    what: `Memory (RSS) ${seconds} s after the start`,
    unit: 'MiB',
    better: 'less',
    parley: median(mib.parley),
    floor: { value: median(mib.floor), by: 'Elysia with one route, compiled' },
    result: { value: ratioOf(mib.parley, mib.floor) },
    target: { atMost: 1.6 },
  }
}

async function memoryAfter(seconds: number, startServer: () => Promise<Server>): Promise<number> {
  const server = await startServer()
  await Bun.sleep(seconds * 1000)
  const memory = await memoryOf(server.pid)
  await server.stop()
  return memory
}
