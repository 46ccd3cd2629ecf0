/** Every tool of the agent, once. */
import { AppError } from '../../../errors.ts'
import { currentTime } from './current-time.ts'
import { findUser } from './find-user.ts'
import { getMyProfile } from './get-my-profile.ts'
import type { ToolSource } from './source.ts'
import { type AgentTool, execute, type ToolContext } from './tool.ts'
import { updateMyProfile } from './update-my-profile.ts'

export const tools: AgentTool[] = [currentTime, getMyProfile, findUser, updateMyProfile]

export type Tools = ReturnType<typeof openTools>

/** Ours, and those of the source as they come and go. */
export function openTools(source?: ToolSource) {
  let known = index(tools)
  let foreign: AgentTool[] | undefined
  // By name and for good: one that goes and comes back must not slip through in between.
  const asking = new Set<string>()
  const current = () => {
    const now = source?.tools()
    if (!now || now === foreign) return known
    foreign = now
    known = index([...tools, ...now])
    for (const tool of now) if (tool.needsApproval) asking.add(tool.name)
    return known
  }
  return {
    /** For the start of an answer: resolves when the source knows its tools, before long in any case. */
    ready: async () => source?.ready(),
    /** Those that can be had now. */
    list: (): AgentTool[] => current().list,
    /** Carries out a call in the caller's hands. Rejects with an AppError; see `execute`. */
    async call(name: string, input: unknown, context: ToolContext, run: AbortSignal): Promise<string> {
      const tool = current().byName.get(name)
      // It was offered, and has gone since.
      if (!tool) throw new AppError('tool_failed', { forModel: 'This tool is not available at the moment.' })
      return execute(tool, input, context, run)
    },
    /** Whether the person is asked before it is used. */
    needsApproval: (name: string): boolean =>
      current().byName.get(name)?.needsApproval === true || asking.has(name),
  }
}

const index = (list: AgentTool[]) => ({
  list,
  byName: new Map(list.map(tool => [tool.name, tool])),
})
