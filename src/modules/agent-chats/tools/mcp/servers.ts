/** The file that MCP_SERVERS names, in the shape other hosts of MCP servers use. */
import { readFileSync } from 'node:fs'
import { StartError } from '../../../../errors.ts'

export type McpServer = {
  /** As the file writes it. */
  name: string
  /** What the names of its tools begin with. */
  prefix: string
  /** Whether the person is asked before its tools, or those named, are used. */
  approval: true | string[]
  /** Its tools that the agent has; all where there is no list. */
  tools: string[] | undefined
} & (
  | { command: string; args: string[]; env: Record<string, string>; cwd: string | undefined }
  | { url: string; headers: Record<string, string> }
)

type Entry = {
  command?: string
  args?: string[]
  env?: Record<string, string>
  cwd?: string
  url?: string
  headers?: Record<string, string>
  approval?: boolean | string[]
  tools?: string[]
  disabled?: boolean
  type?: string
  transport?: string
}
type Member = { takes: string; is: (value: unknown) => boolean }

const isText = (value: unknown): value is string => typeof value === 'string'
const isTexts = (value: unknown) => Array.isArray(value) && value.every(isText)
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isTextByName = (value: unknown): value is Record<string, string> =>
  isObject(value) && Object.values(value).every(isText)
const isFlag = (value: unknown) => typeof value === 'boolean'

const text: Member = { takes: 'a text', is: value => isText(value) && value !== '' }
const flag: Member = { takes: 'true or false', is: isFlag }
const transport: Member = {
  takes: 'one of stdio, http, streamable-http; sse is not spoken',
  is: value => isText(value) && /^(stdio|(streamable[-_]?)?http)$/i.test(value),
}

/** What an entry may hold. What else hosts write into theirs is passed over. */
const members: Record<keyof Entry, Member> = {
  command: text,
  args: { takes: 'a list of texts', is: isTexts },
  env: { takes: 'an object of texts', is: isTextByName },
  cwd: text,
  url: { takes: 'an address that starts with http:// or https://', is: isAddress },
  headers: { takes: 'an object of texts that HTTP takes as headers', is: isHeaders },
  approval: {
    takes: 'true, false or a list of names of tools',
    is: value => isFlag(value) || isTexts(value),
  },
  tools: { takes: 'a list of names of tools', is: isTexts },
  disabled: flag,
  type: transport,
  transport,
}

/** In characters: a tool's name takes the rest of the 64 that the model APIs allow. */
const prefixLimit = 32

/** @throws StartError that names the server and what the file takes, and repeats no value: it may be a secret */
export function readServers(file: string): McpServer[] {
  const content = parse(file)
  const entries = content.mcpServers ?? content
  if (!isObject(entries)) throw refusal(file, '"mcpServers" takes an object, a member for each server')
  const servers = Object.entries(entries).flatMap(([name, entry]) => {
    const problem = problemOf(entry)
    if (problem) throw refusal(file, `the server "${name}" ${problem}`)
    return (entry as Entry).disabled ? [] : [serverOf(name, entry as Entry)]
  })
  for (const server of servers) judgeName(file, server, servers)
  return servers
}

function parse(file: string): Record<string, unknown> {
  let content: unknown
  try {
    content = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    const { code } = error as { code?: string }
    throw refusal(file, code ? `it cannot be read (${code})` : 'it holds no JSON')
  }
  if (!isObject(content)) throw refusal(file, 'it holds no JSON object')
  return content
}

function problemOf(entry: unknown): string | undefined {
  if (!isObject(entry)) return 'takes an object'
  for (const [name, { takes, is }] of Object.entries(members))
    if (entry[name] !== undefined && !is(entry[name])) return `takes "${name}" as ${takes}`
  if ((entry.command === undefined) === (entry.url === undefined))
    return 'takes either "command", a program to start, or "url", an address to speak to'
  return undefined
}

function serverOf(name: string, { approval = [], tools, ...entry }: Entry): McpServer {
  const common = { name, prefix: prefixOf(name), approval: approval || [], tools }
  return entry.url === undefined
    ? { ...common, command: entry.command!, args: entry.args ?? [], env: entry.env ?? {}, cwd: entry.cwd }
    : { ...common, url: entry.url, headers: entry.headers ?? {} }
}

/** Letters, digits, hyphens and single underscores, so that the first two in a row end it. */
const prefixOf = (name: string) => name.replace(/[^a-zA-Z0-9-]+/g, '_').replace(/^_|_$/g, '')

function judgeName(file: string, { name, prefix }: McpServer, servers: McpServer[]): void {
  if (prefix === '' || prefix.length > prefixLimit)
    throw refusal(
      file,
      `the server "${name}" takes a name with letters A-Z or digits, of at most ${prefixLimit} characters`,
    )
  const other = servers.find(server => server.prefix === prefix && server.name !== name)
  if (other)
    throw refusal(file, `the names "${name}" and "${other.name}" are the same to a model: change one of them`)
}

const refusal = (file: string, what: string) =>
  new StartError(`MCP_SERVERS takes the path of a JSON file of MCP servers. In ${file}, ${what}.`)

function isAddress(value: unknown): boolean {
  return isText(value) && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
}

function isHeaders(value: unknown): boolean {
  try {
    return isTextByName(value) && new Headers(value) !== null
  } catch {
    return false
  }
}
