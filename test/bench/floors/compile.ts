import { join } from 'node:path'
import { folder, root } from '../processes.ts'

/** One of the floors as an executable, by the options by which scripts/build.ts compiles Parley. */
export async function compile(floor: 'elysia' | 'empty' | 'pipe'): Promise<string> {
  const outfile = join(folder(), floor)
  await Bun.build({
    entrypoints: [join(root, `test/bench/floors/${floor}.ts`)],
    compile: { outfile, autoloadBunfig: false },
    splitting: true,
    bytecode: true,
    format: 'esm',
    minify: { syntax: true },
    define: { 'process.env.NODE_ENV': '"production"' },
  })
  return outfile
}
