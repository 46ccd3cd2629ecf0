/** Every model stream is an outgoing request, and Bun allows 256 at once unless its environment says otherwise. */
const variable = 'BUN_CONFIG_MAX_HTTP_REQUESTS'
const most = '65336'

/**
 * Starts this process anew, same id, with the limit lifted: Bun reads the variable before any code of ours
 * runs. Without a server or a model API there is nothing to lift it for.
 */
export function allowManyOutgoingRequests(): void {
  const { env } = process
  const args = Bun.argv.slice(2)
  if (env[variable] || (args[0] ?? 'serve') !== 'serve' || !(env.OPENAI_API_KEY || env.OPENAI_BASE_URL))
    return
  const { execve } = process as { execve?: (file: string, args: string[], env: NodeJS.ProcessEnv) => never }
  const script = Bun.main.startsWith('/$bunfs/') ? [] : [...process.execArgv, Bun.main]
  execve?.(process.execPath, [process.argv0, ...script, ...args], { ...env, [variable]: most })
}
