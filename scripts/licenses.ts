/** What the executable has to bring along: the licences of all that is in it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const head = `Parley is under the MIT licence, which stands first. Its executable contains Bun ${Bun.version}, under the MIT licence,
and what Bun is linked with, among it JavaScriptCore under the LGPL 2:
https://github.com/oven-sh/bun/blob/bun-v${Bun.version}/LICENSE.md
And it contains the packages below, each with the text that it brings.
`

/** @param entrypoint of the build: what it does not import is not in the executable */
export async function licenses(entrypoint: string): Promise<string> {
  const own = readFileSync(join(import.meta.dir, '../LICENSE'), 'utf8')
  const packages = Object.entries(Object.groupBy(await importedFiles(entrypoint), packageOf))
    .filter(([folder]) => folder)
    .map(([folder, files = []]) => ({ title: titleOf(folder), text: textOf(folder, files) }))
  const sections = Object.entries(Object.groupBy(packages, ({ text }) => text)).map(
    ([text, sharing = []]) => `${sharing.map(({ title }) => `=== ${title}`).join('\n')}\n\n${text}`,
  )
  return [head, own, ...sections].join('\n')
}

async function importedFiles(entrypoint: string): Promise<string[]> {
  const { metafile } = await Bun.build({ entrypoints: [entrypoint], target: 'bun', metafile: true })
  return Object.keys(metafile!.inputs).sort()
}

/** The folder of the package that the file is of; ours is of none. */
const packageOf = (file: string): string => /.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? ''

function titleOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return `${name} ${version}: ${license}`
}

/** Its own licence and notice, and what a bundle among its files says of those in it. */
function textOf(folder: string, files: string[]): string {
  const own = readdirSync(folder).filter(name => /^(licen[cs]e|copying|notice)/i.test(name))
  const paths = [...own.map(name => join(folder, name)), ...files.map(file => `${file}.LICENSE.txt`)]
  const texts = paths.filter(existsSync).map(path => readFileSync(path, 'utf8'))
  return texts.join('\n') || '(It brings no text of its own.)\n'
}
