/** The tools of an MCP server, as tools of the agent. */
import { type MCPClient, MCPClientError } from '@ai-sdk/mcp'
import { type JSONSchema7, jsonSchema } from 'ai'
import { AppError } from '../../../../errors.ts'
import { log } from '../../../../log.ts'
import type { AgentTool } from '../tool.ts'
import { modelName } from './names.ts'
import { type Result, textOf } from './result.ts'
import type { McpServer } from './servers.ts'

export type Definition = Awaited<ReturnType<MCPClient['listTools']>>['tools'][number]

/** @param inDoubt called when a call fails, perhaps since the server is lost */
export function toolsOf(
  server: McpServer,
  definitions: Definition[],
  client: MCPClient,
  inDoubt: () => void,
): AgentTool[] {
  const { name, prefix, approval, tools: allowed } = server
  const tools = definitions
    .filter(tool => !allowed || allowed.includes(tool.name))
    .map(
      (tool): AgentTool => ({
        name: modelName(prefix, tool.name),
        description: tool.description ?? tool.title ?? '',
        inputSchema: schemaOf(tool),
        needsApproval: approval === true || approval.includes(tool.name),
        run: (input, { signal }) => use(client, tool.name, input, signal, inDoubt),
      }),
    )
  log.info('the MCP server {name} gives {count} tools', { name, count: tools.length })
  warnOfMissing(server, definitions)
  return tools
}

/** The model APIs take objects alone, and some only with properties. */
const schemaOf = ({ inputSchema }: Definition) =>
  jsonSchema({ ...inputSchema, type: 'object', properties: inputSchema.properties ?? {} } as JSONSchema7)

async function use(
  client: MCPClient,
  name: string,
  input: unknown,
  signal: AbortSignal,
  inDoubt: () => void,
): Promise<string> {
  try {
    const call = { name, arguments: input as Record<string, unknown>, options: { signal } }
    return textOf((await client.callTool(call)) as Result)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof AppError) throw error
    inDoubt()
    const answered = MCPClientError.isInstance(error) && error.code !== undefined
    const forModel = answered ? error.message : 'The server of this tool does not answer.'
    throw new AppError('tool_failed', { cause: error, forModel })
  }
}

/** A name that is misspelt there may leave a tool without approval. */
function warnOfMissing({ name, approval, tools = [] }: McpServer, definitions: Definition[]): void {
  for (const tool of [...tools, ...(approval === true ? [] : approval)])
    if (!definitions.some(definition => definition.name === tool))
      log.warn('the MCP server {name} has no tool {tool}, which MCP_SERVERS names', { name, tool })
}
