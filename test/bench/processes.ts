/** Programs and folders of the bench's own, which end with it, however it ends. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { basename, join } from 'node:path'

export const root = join(import.meta.dir, '../..')

export type Server = { url: string; pid: number; stop(): Promise<void> }

const programs = new Set<Bun.Subprocess>()
const folders: string[] = []

process.on('exit', () => {
  endAll()
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
process.on('SIGINT', () => process.exit(130))
process.on('SIGTERM', () => process.exit(143))

/** Whatever a row that failed has left running. */
export function endAll(): void {
  for (const program of programs) program.kill('SIGKILL')
}

const tmpfs = 0x01021994

/** An empty folder on the disk that the sources are on: what costs an fsync there, must cost one here. */
export function folder(): string {
  const parent = join(root, '.cache/bench')
  mkdirSync(parent, { recursive: true })
  if (statfsSync(parent).type === tmpfs)
    throw new Error(`${parent} is in memory. Run the bench from a folder on a disk.`)
  const made = mkdtempSync(join(parent, 'run-'))
  folders.push(made)
  return made
}

/** One of the bench's own programs, as a command. */
export const script = (file: string, ...args: string[]): string[] => [
  process.execPath,
  join(import.meta.dir, file),
  ...args,
]

type Place = { environment?: Record<string, string>; cwd?: string }

/** What a program prints, once it has ended well. */
export async function outputOf(command: string[], place: Place = {}): Promise<string> {
  const program = launch(command, place, 'pipe')
  const output = await new Response(program.stdout as ReadableStream).text()
  if ((await program.exited) !== 0) throw new Error(`${basename(command[0]!)} failed: ${output}`)
  return output
}

/** A program that goes on until it is stopped. */
export function background(command: string[]): { stop(): Promise<void> } {
  const program = launch(command, {}, 'ignore')
  return { stop: () => end(program) }
}

/** A server that takes its port from PORT, or is told by its command, once it answers. */
export async function serve(
  command: string[] | ((port: string) => string[]),
  place: Place & { path?: string } = {},
): Promise<Server> {
  const { path = '/', environment, cwd } = place
  const PORT = String(freePort())
  const url = `http://127.0.0.1:${PORT}`
  const line = Array.isArray(command) ? command : command(PORT)
  const program = launch(line, { environment: { ...environment, PORT }, cwd }, 'ignore')
  await answer(url + path, program)
  return { url, pid: program.pid, stop: () => end(program) }
}

/** The server, stopped with the block it is used in, however that ends. */
export const stopping = <S extends Server>(server: S): S & AsyncDisposable => ({
  ...server,
  [Symbol.asyncDispose]: () => server.stop(),
})

function launch(command: string[], { environment, cwd = root }: Place, stdout: 'pipe' | 'ignore') {
  const env = { PATH: Bun.env.PATH ?? '', ...environment }
  const program = Bun.spawn(command, { cwd, env, stdio: ['ignore', stdout, 'inherit'] })
  programs.add(program)
  program.exited.then(() => programs.delete(program))
  return program
}

/** Asked often, since how long this takes is measured, but not all the time, since asking takes it longer. */
async function answer(url: string, program: Bun.Subprocess): Promise<void> {
  const deadline = performance.now() + 30_000
  while (!(await isOk(url))) {
    if (program.exitCode !== null || performance.now() > deadline) throw new Error(`${url} does not answer.`)
    await Bun.sleep(0.5)
  }
}

const isOk = (url: string): Promise<boolean> =>
  fetch(url).then(
    async response => {
      await response.bytes()
      return response.ok
    },
    () => false,
  )

async function end(program: Bun.Subprocess): Promise<void> {
  program.kill('SIGTERM')
  await program.exited
}

function freePort(): number {
  const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
  listener.stop(true)
  return listener.port
}

/** MiB of memory in use by a process (RSS). */
export async function memoryOf(pid: number): Promise<number> {
  return Number(await outputOf(['ps', '-o', 'rss=', '-p', String(pid)])) / 1024
}

/** Seconds of all cores that a process has used (utime and stime, proc(5); a tick is 10 ms on every Linux). */
export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}
