/** The names that models know the tools of MCP servers by. */

/** What the model APIs take. */
const valid = /^[a-zA-Z0-9_-]{1,64}$/

/**
 * `server__tool`; a tool whose own name does not fit gets one made of it, the same at every start.
 * @param prefix the server's: it holds no two underscores in a row, so no two servers can share a name
 */
export function modelName(prefix: string, tool: string): string {
  const name = `${prefix}__${tool}`
  if (valid.test(name)) return name
  const words = tool.replace(/[^a-zA-Z0-9-]+/g, '_').replace(/^_|_$/g, '')
  const mark = new Bun.CryptoHasher('sha256').update(tool).digest('hex').slice(0, 8)
  return `${`${prefix}__${words}`.slice(0, 64 - mark.length - 1)}_${mark}`
}
