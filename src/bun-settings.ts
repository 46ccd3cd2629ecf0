/** What Bun can be told through the environment alone, before any code of ours runs. Who runs it has the last word. */
export const bunSettings = {
  /** Every model stream is an outgoing request: otherwise 256 at once. */
  BUN_CONFIG_MAX_HTTP_REQUESTS: '65336',
  /** After how many runs code is optimised, by the engine's measure: otherwise 1000 (docs/decisions/0010). */
  BUN_JSC_thresholdForOptimizeAfterWarmUp: '200',
}

/**
 * Starts this process anew, same id, with the settings. Without a server or a model API they are not worth the time
 * that it takes.
 */
export function applyBunSettings(): void {
  const { env } = process
  const args = Bun.argv.slice(2)
  const missing = Object.entries(bunSettings).filter(([name]) => !env[name])
  if (
    missing.length === 0 ||
    (args[0] ?? 'serve') !== 'serve' ||
    !(env.OPENAI_API_KEY || env.OPENAI_BASE_URL)
  )
    return
  const { execve } = process as { execve?: (file: string, args: string[], env: NodeJS.ProcessEnv) => never }
  const script = Bun.main.startsWith('/$bunfs/') ? [] : [...process.execArgv, Bun.main]
  execve?.(process.execPath, [process.argv0, ...script, ...args], { ...env, ...Object.fromEntries(missing) })
}
