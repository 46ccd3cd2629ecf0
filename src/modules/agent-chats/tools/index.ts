/** Every tool of the agent, once. */
import type { ToolSet } from 'ai'
import { currentTime } from './current-time.ts'
import { findUser } from './find-user.ts'
import { getMyProfile } from './get-my-profile.ts'
import { type AgentTool, execute, type ToolContext } from './tool.ts'

export const tools: AgentTool[] = [currentTime, getMyProfile, findUser]

const byName = new Map(tools.map(tool => [tool.name, tool]))

/** What the model is told of them. */
export const toolSet: ToolSet = Object.fromEntries(
  tools.map(({ name, description, inputSchema }) => [name, { description, inputSchema }]),
)

/** Carries out a call of a tool in the caller's hands. Rejects with an AppError. */
export const callTool = (name: string, input: unknown, context: ToolContext, run: AbortSignal) =>
  execute(byName.get(name)!, input, context, run)
