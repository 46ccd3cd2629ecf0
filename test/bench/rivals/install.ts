/** Rivals are installed by the bench, once, in a cache folder outside the sources; at versions that are written down. */
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const cache = join(Bun.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'parley-bench')

/** A folder of this one, with its package.json, bun.lock and server.js, and what they ask for; the path of its copy. */
export async function installPackages(name: 'better-auth' | 'mastra'): Promise<string> {
  const source = join(import.meta.dir, name)
  const content = ['package.json', 'bun.lock', 'server.js'].map(file =>
    readFileSync(join(source, file), 'utf8'),
  )
  return inCache(`${name}-${Bun.hash(content.join()).toString(36)}`, async folder => {
    cpSync(source, folder, { recursive: true })
    await run([process.execPath, 'install', '--frozen-lockfile', '--ignore-scripts'], { cwd: folder })
  })
}

/** A program in Go, as its makers release it: without symbols, without C. The path of the folder it is in. */
export async function installGoProgram(name: string, module: string, version: string): Promise<string> {
  if (!Bun.which('go')) throw new Error('it needs Go to be built')
  return inCache(`${name}-${version}`, folder =>
    run(['go', 'install', '-trimpath', '-ldflags=-s -w', `${module}@v${version}`], {
      env: { ...process.env, GOBIN: folder, CGO_ENABLED: '0' },
    }),
  )
}

/** Made under another name first, so that what is there is whole. */
async function inCache(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(cache, name)
  if (existsSync(folder)) return folder
  const unfinished = `${folder}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { recursive: true })
  await make(unfinished)
  renameSync(unfinished, folder)
  return folder
}

async function run(command: string[], place: { cwd?: string; env?: NodeJS.ProcessEnv }): Promise<void> {
  const program = Bun.spawn(command, { ...place, stdio: ['ignore', 'ignore', 'inherit'] })
  if ((await program.exited) !== 0) throw new Error(`"${command.slice(0, 2).join(' ')}" failed`)
}
