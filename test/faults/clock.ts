/** A clock that can be set, for the executable alone. */
import { writeFileSync } from 'node:fs'
import { arch } from 'node:os'
import { join } from 'node:path'
import { emptyFolder } from '../harness/executable.ts'
import { installed } from '../harness/installed.ts'
import { NotHere } from './case.ts'

/** Throws NotHere where there is no libfaketime. */
export async function settableClock() {
  await installed({ programs: ['faketime'], of: 'faketime', for: 'Setting the clock needs' }).catch(error => {
    throw new NotHere(error.message)
  })
  const machine = { x64: 'x86_64', arm64: 'aarch64' }[arch() as string]
  const library = `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`
  if (!(await Bun.file(library).exists())) throw new NotHere(`there is no ${library}`)
  const file = join(emptyFolder(), 'clock')
  /** From the machine's own, as '+2h' or '-1d'. */
  const set = (difference: string) => writeFileSync(file, difference)
  set('+0')
  const environment = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    // Time limits and pauses run on as they do when somebody sets a clock.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  }
  return { environment, set }
}
