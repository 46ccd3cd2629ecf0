/** What an MCP tool gives, in words. */
import { AppError } from '../../../../errors.ts'

/** As the protocol has it, every member of a part optional: what servers send is what it is. */
type Part = {
  type: string
  text?: string
  data?: string
  mimeType?: string
  name?: string
  uri?: string
  description?: string
  resource?: { text?: string; uri?: string; mimeType?: string }
}
/** `toolResult` is what the protocol of 2024-10-07 had instead. */
export type Result = {
  content?: Part[]
  structuredContent?: unknown
  toolResult?: unknown
  isError?: boolean
}

/** @throws AppError tool_failed where the tool says that it failed, with its own words for the model */
export function textOf({ content = [], structuredContent, toolResult, isError }: Result): string {
  const data = structuredContent ?? toolResult
  const text =
    content.length === 0 && data !== undefined ? JSON.stringify(data) : content.map(wordsOf).join('\n')
  if (isError)
    throw new AppError('tool_failed', { forModel: text || 'The tool failed, and did not say why.' })
  return text
}

/** Texts as they are; what is none is named, so that the model knows of it. */
function wordsOf({ type, text, data, mimeType, resource, name, uri, description }: Part): string {
  if (type === 'text') return text ?? ''
  if (type === 'resource') return resource?.text ?? named('resource', resource?.uri, resource?.mimeType)
  if (type === 'resource_link') return named('link', name, uri, mimeType, description)
  return named(type, mimeType, data && `${Buffer.byteLength(data, 'base64')} bytes, not shown`)
}

const named = (...words: Array<string | undefined>) => `[${words.filter(Boolean).join(', ')}]`
