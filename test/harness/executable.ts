/** The compiled executable, started as a stranger starts it: in a folder of its own, with no settings but those given. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { client, codeIn } from './client.ts'

const root = join(import.meta.dir, '../..')
export const program = join(root, 'dist/parley')

type Options = { env?: Record<string, string>; args?: string[]; cwd?: string }

export type Started = Awaited<ReturnType<typeof launch>>
export type Executable = Awaited<ReturnType<typeof startExecutable>>

/** Starts it and waits until it listens. Rejects with what it printed where it does not. */
export const startExecutable = async (options: Options = {}) => listening(await launchServer(options))

/** Starts it and waits for nothing. */
export const launchServer = ({ env = {}, cwd = emptyFolder() }: Options = {}) =>
  launch({ env: { PORT: '0', DEFAULT_LOCALE: 'en', AGENT_TITLES: 'message', ...env }, cwd })

/** Waits until it listens; ends it where it does not. */
export async function listening(started: Started) {
  const url = await started
    .logged(/Parley \S+ on (http:\S+);/)
    .then(([, url]) => url!)
    .catch(async error => {
      await started.kill()
      throw error
    })
  return { ...started, url, ...client(url, { nextMail: to => nextMail(started, to) }) }
}

/** Runs it to its end, for ten seconds at most. */
export async function runExecutable({ env = {}, args = [], cwd = emptyFolder() }: Options = {}) {
  const started = await launch({ env: { PORT: '0', ...env }, args, cwd })
  const timer = setTimeout(started.kill, 10_000)
  const status = await started.exited
  clearTimeout(timer)
  return { status, output: started.output(), cwd }
}

async function launch({ env = {}, args = [], cwd = emptyFolder() }: Options) {
  await buildIfOutdated()
  let output = ''
  const readers = new Set<() => void>()
  const child = Bun.spawn([program, ...args], {
    cwd,
    env: { PATH: Bun.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder()
    for await (const chunk of stream) {
      output += decoder.decode(chunk, { stream: true })
      for (const look of readers) look()
    }
  }
  const ended = Promise.all([collect(child.stdout), collect(child.stderr), child.exited])
  running.add(child)
  ended.then(() => running.delete(child))

  return {
    cwd,
    pid: child.pid,
    output: () => output,
    /** Its exit status, once all that it printed has been read. */
    exited: ended.then(() => child.exited),
    signal: (signal: NodeJS.Signals) => child.kill(signal),
    /** Ends it at once, if it has not ended. */
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    /** The first match in what it has printed or will print. */
    logged: (pattern: RegExp, timeoutMs = 10_000): Promise<RegExpExecArray> =>
      new Promise((resolve, reject) => {
        const done = () => {
          readers.delete(look)
          clearTimeout(timer)
        }
        const fail = (why: string) => () => {
          done()
          reject(new Error(`${why} before printing ${pattern}: ${output}`))
        }
        const look = () => {
          const match = pattern.exec(output)
          if (!match) return
          done()
          resolve(match)
        }
        const timer = setTimeout(fail(`${timeoutMs} ms passed`), timeoutMs)
        readers.add(look)
        ended.then(fail('it ended'))
        look()
      }),
  }
}

/** A mail as MAIL=log prints it. */
async function nextMail({ logged }: Started, to: string) {
  const [, subject = '', lines = ''] = await logged(new RegExp(`mail to ${to}: (.*)\\n((?: {2}\\|.*\\n)+)`))
  return { subject, text: lines.replace(/^ {2}\| ?/gm, '') }
}

/** The sign-up code that it has printed for an address. */
export const loggedCode = async (executable: Executable, to: string): Promise<string> =>
  codeIn((await nextMail(executable, to)).text)

const running = new Set<Bun.Subprocess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
const folders: string[] = []

export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'parley-exec-'))
  folders.push(folder)
  return folder
}

/** Ends what a failed test has left running, and removes the folders. Call it after the tests of a file. */
export async function tidy(): Promise<void> {
  for (const child of running) child.kill('SIGKILL')
  await Promise.all([...running].map(child => child.exited))
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

/** Builds it if it is missing or older than what it is made of. */
export async function buildIfOutdated(): Promise<void> {
  const sources = [
    'package.json',
    'bun.lock',
    'LICENSE',
    'scripts/build.ts',
    'scripts/licenses.ts',
    ...new Bun.Glob('src/**/*').scanSync(root),
  ]
  const newest = Math.max(...sources.map(file => statSync(join(root, file)).mtimeMs))
  const built = statSync(program, { throwIfNoEntry: false })?.mtimeMs ?? 0
  if (built > newest) return
  const child = Bun.spawn([process.execPath, 'scripts/build.ts'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if ((await child.exited) !== 0) throw new Error('The executable could not be built.')
}
