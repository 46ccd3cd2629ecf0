import type { AgentTool } from './tool.ts'

/** Tools from outside of the executable, which come and go. */
export type ToolSource = {
  /** Those that can be had now; the same list for as long as they stay the same. */
  tools(): AgentTool[]
  /** Resolves once it is known what can be had, before long in any case. Never rejects. */
  ready(): Promise<void>
  /** Each part of the source, by name. */
  health(): Record<string, { status: 'healthy' | 'unhealthy'; tools: number }>
  close(): Promise<void>
}
