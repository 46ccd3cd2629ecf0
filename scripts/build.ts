/**
 * Writes dist/parley: the whole product in one executable.
 * `--target bun-linux-arm64` builds it for another machine (any target that `bun build --compile` knows).
 */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { licenses } from './licenses.ts'

const { values } = parseArgs({ options: { target: { type: 'string' } } })
const root = join(import.meta.dir, '..')
const entrypoint = join(root, 'src/main.ts')
const outfile = join(root, 'dist', values.target ? values.target.replace(/^bun/, 'parley') : 'parley')

const started = performance.now()
const contents = await licenses(entrypoint)
await Bun.build({
  entrypoints: [entrypoint],
  compile: {
    outfile,
    ...(values.target ? { target: values.target as Bun.Build.CompileTarget } : {}),
    // A bunfig.toml in the working directory could name code to run; a .env file holds settings alone.
    autoloadBunfig: false,
    autoloadDotenv: true,
  },
  // What is imported late is in a file of its own; else all its modules of Node's would be loaded with the first.
  splitting: true,
  // The start takes a third of the time. Splitting asks for ESM.
  bytecode: true,
  format: 'esm',
  // Never all of `minify`: it breaks Elysia's reading of its handlers, silently.
  minify: { syntax: true },
  // For libraries. Ours is read from Bun.env, which stays as it is when the executable runs.
  define: { 'process.env.NODE_ENV': '"production"' },
  plugins: [
    {
      name: 'licenses',
      setup: build =>
        void build.onLoad({ filter: /\/src\/licenses\.txt$/ }, () => ({ contents, loader: 'text' })),
    },
  ],
})
const seconds = ((performance.now() - started) / 1000).toFixed(1)
const megabytes = (statSync(outfile).size / 1024 / 1024).toFixed(0)
console.log(`${outfile}: ${megabytes} MB, built in ${seconds} s`)
