/** Tools that a client brings along, and runs itself. */
import { t } from 'elysia'
import type { ClientTool } from './store.ts'

export const clientTool = t.Object({
  name: t.String({ pattern: '^[\\w-]{1,64}$', examples: ['show_map'] }),
  description: t.Optional(t.String({ maxLength: 4000 })),
  parameters: t.Optional(t.Record(t.String(), t.Unknown(), { description: 'A JSON Schema' })),
})

export const clientToolsOf = (tools: Array<typeof clientTool.static> = []): ClientTool[] =>
  tools.map(({ name, description = '', parameters }) => ({
    name,
    description,
    // Some APIs take no schema without them.
    parameters: { type: 'object', properties: {}, ...parameters },
  }))
