import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What a program is called where it is installed, the Debian and Homebrew package that brings it, and who asks. */
type Wanted = { programs: string[]; of: string; for: string }

/** The program's path; installed first where it is missing and we may. Throws the sentence that says how. */
export async function installed({ programs, of, for: who }: Wanted): Promise<string> {
  const find = () => programs.map(name => Bun.which(name)).find(path => path !== null)
  if (!find() && process.getuid?.() === 0 && Bun.which('apt-get')) await install(programs[0]!, of)
  const program = find()
  if (program) return program
  throw new Error(
    `${who} ${of}. Install it with your package manager, as "sudo apt-get install ${of}" or "brew install ${of}", and run again.`,
  )
}

/** Under a lock, since several test files may come here at once; RUNLEVEL=1 keeps it from being started as a service. */
async function install(program: string, of: string): Promise<void> {
  const steps = `command -v ${program} || { apt-get update && apt-get install -y --no-install-recommends ${of}; }`
  await Bun.spawn(['flock', join(tmpdir(), `parley-install-${of}.lock`), 'sh', '-c', steps], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    stdout: 'ignore',
    stderr: 'inherit',
  }).exited
}
