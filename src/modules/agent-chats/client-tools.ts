/** Tools that a client brings along, and runs itself. */
import { AppError } from '../../errors.ts'
import type { ClientTool } from './store.ts'

/** In characters, of all of them: they go to the model with every call. */
export const clientToolsLength = 64 * 1024

type Told = { name: string; description?: string; parameters?: Record<string, unknown> }

/** Throws invalid_request. */
export function clientToolsOf(tools: Told[] = []): ClientTool[] {
  if (JSON.stringify(tools).length > clientToolsLength)
    throw new AppError('invalid_request', { pointer: '/body/tools' })
  return tools.map(({ name, description = '', parameters }) => ({
    name,
    description,
    // Some APIs take no schema without them.
    parameters: { type: 'object', properties: {}, ...parameters },
  }))
}
