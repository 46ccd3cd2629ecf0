/** Every tool of the agent, once. */
import type { ToolSet } from 'ai'
import { currentTime } from './current-time.ts'
import { findUser } from './find-user.ts'
import { getMyProfile } from './get-my-profile.ts'
import { type AgentTool, bind, type ToolContext } from './tool.ts'

export const tools: AgentTool[] = [currentTime, getMyProfile, findUser]

/** The tools in the hands of one caller. */
export const toolsFor = (context: ToolContext): ToolSet =>
  Object.fromEntries(tools.map(tool => [tool.name, bind(tool, context)]))
