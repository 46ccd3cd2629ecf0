/** What a tool is, and what it may cost. */
import { type FlexibleSchema, zodSchema } from 'ai'
import type { z } from 'zod'
import { AppError } from '../../../errors.ts'
import { log, reason } from '../../../log.ts'

type Profile = { id: string; username: string; avatar_url: string | null; bio: string | null }

/** Whom a tool may ask about, and what it may change; unknown people are an AppError user_not_found. */
export type People = {
  profile(userId: string): Profile | Promise<Profile>
  find(username: string): Promise<Profile>
  change(userId: string, change: Partial<Omit<Profile, 'id'>>): Promise<Profile>
}

/** Whose rights a tool has, and what it works with. */
export type ToolContext = { userId: string; people: People; now: () => number }

export type AgentTool<Input = unknown> = {
  name: string
  /** For the model: what the tool gives and when to use it. */
  description: string
  inputSchema: FlexibleSchema<Input>
  /** Whether the person is asked before it is used. */
  needsApproval?: boolean
  /** What the model gets: a text as it is, all else as JSON. A failure that it and the person should understand is an AppError. */
  run(input: Input, context: ToolContext & { signal: AbortSignal }): unknown
}

/** Ours read one row; what takes longer hangs, and a person is waiting. */
const timeLimitMs = 15_000

/** In characters: some 5,000 tokens of the model's context, far more than any row of ours. */
const outputLimit = 16 * 1024

/** What a tool's file says, for the list: its schema is turned into JSON once, not for every run. */
export const defineTool = <Input>({
  input,
  ...tool
}: Omit<AgentTool<Input>, 'inputSchema'> & { input: z.ZodType<Input> }): AgentTool =>
  ({ ...tool, inputSchema: zodSchema(input) }) as AgentTool

/**
 * What the tool gives, as the model gets it. Rejects with an AppError, whatever went wrong: its code is for
 * the client, `toldToModel` for the model; the log hears of what nobody foresaw.
 * @param run fires when there is no more use for it
 */
export async function execute(
  tool: AgentTool,
  input: unknown,
  context: ToolContext,
  run: AbortSignal,
  limitMs = timeLimitMs,
): Promise<string> {
  const limit = AbortSignal.timeout(limitMs)
  const signal = AbortSignal.any([run, limit])
  try {
    signal.throwIfAborted()
    const output = await Promise.race([tool.run(input, { ...context, signal }), endOf(signal)])
    return shortened(typeof output === 'string' ? output : (JSON.stringify(output) ?? ''))
  } catch (error) {
    if (error instanceof AppError) throw error
    if (limit.aborted) throw new AppError('tool_timeout')
    log.warn('the tool {tool} failed: {reason}', { tool: tool.name, reason: reason(error) })
    throw new AppError('tool_failed', { cause: error, forModel: reason(error) })
  }
}

/** What the model is told of a tool's failure: all that is known of it, where the client hears its sentence alone. */
export const toldToModel = ({ code, options }: AppError): string => shortened(options.forModel ?? code)

const endOf = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))

/** As much of it as the model gets. */
export const shortened = (text: string) =>
  text.length <= outputLimit ? text.toWellFormed() : `${text.slice(0, outputLimit).toWellFormed()}… (cut off)`
