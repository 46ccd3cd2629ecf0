/** What an installation takes on disk: all that the machine must have to run it, Bun included where it is needed. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { program } from '../../harness/executable.ts'
import type { Rival, Row } from '../figure.ts'
import { compile } from '../floors/compile.ts'
import { build } from '../parley.ts'
import { installPackages } from '../rivals/install.ts'
import { pocketBaseProgram } from '../rivals/pocketbase.ts'

export const size: Row = {
  name: 'size',
  async run() {
    await build()
    const parley = mebibytes(program)
    const floor = mebibytes(await compile('empty'))
    const packages = async (name: 'better-auth' | 'mastra') =>
      mebibytes(join(await installPackages(name), 'node_modules'))
    return [
      {
        what: 'Size on disk',
        unit: 'MiB',
        better: 'less',
        parley,
        floor: { value: floor, by: 'an empty `Bun.serve`, compiled' },
        result: { value: parley / floor },
        rivals: [
          // Node is one of its packages here.
          await rival('Mastra', 'packages and Node; agent alone', parley, () => packages('mastra')),
          await rival(
            'better-auth',
            'packages and Bun; accounts alone',
            parley,
            async () => (await packages('better-auth')) + mebibytes(process.execPath),
          ),
          await rival('PocketBase', 'no agent', parley, async () => mebibytes(await pocketBaseProgram())),
        ],
      },
    ]
  },
}

async function rival(
  name: string,
  note: string,
  parley: number,
  measure: () => Promise<number>,
): Promise<Rival> {
  try {
    const value = await measure()
    return { name, note, value, times: value / parley }
  } catch (error) {
    return { name, note, notMeasured: (error as Error).message }
  }
}

function mebibytes(path: string): number {
  if (!statSync(path).isDirectory()) return statSync(path).size / 1024 ** 2
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return (
    files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0) / 1024 ** 2
  )
}
