/** A small disk in memory, to be filled and made read-only. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { emptyFolder } from '../harness/executable.ts'
import { NotHere } from './case.ts'

const mounted = new Set<string>()
process.on('exit', () => {
  for (const folder of mounted) run('umount', '--lazy', folder)
})

/** Throws NotHere where no disk can be mounted. */
export function smallDisk(mebibytes = 4) {
  const folder = emptyFolder()
  const { ok, said } = run('mount', '-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder)
  if (!ok) throw new NotHere(`a tmpfs cannot be mounted (${said}); it takes root`)
  mounted.add(folder)
  const filler = join(folder, 'filler')
  return {
    folder,
    /** To the last byte. */
    fill() {
      try {
        writeFileSync(filler, Buffer.alloc((mebibytes + 1) * 1024 * 1024))
      } catch (error) {
        if ((error as { code?: string }).code !== 'ENOSPC') throw error
      }
    },
    empty: () => rmSync(filler),
    /** Takes no file that is open for writing. */
    readOnly: (readOnly: boolean) => demand(run('mount', '-o', `remount,${readOnly ? 'ro' : 'rw'}`, folder)),
    [Symbol.dispose]() {
      demand(run('umount', folder))
      mounted.delete(folder)
    },
  }
}

function run(...command: string[]): { ok: boolean; said: string } {
  try {
    const { success, stderr } = Bun.spawnSync(command, { stdout: 'ignore', stderr: 'pipe' })
    return { ok: success, said: stderr.toString().trim() }
  } catch (error) {
    return { ok: false, said: (error as Error).message }
  }
}

function demand({ ok, said }: { ok: boolean; said: string }): void {
  if (!ok) throw new Error(said)
}
