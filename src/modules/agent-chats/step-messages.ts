/** What a call of the model and its tools leave for the next call of the same answer. */
import type { LanguageModelCallEndEvent, ModelMessage, ToolSet } from 'ai'

/** All that the model said in one call, as the AI SDK gathers it. */
export type Content = LanguageModelCallEndEvent<ToolSet>['content']
export type ToolCall = Extract<Content[number], { type: 'tool-call' }>

type Assistant = Exclude<Extract<ModelMessage, { role: 'assistant' }>['content'], string>
type Result = Extract<Extract<ModelMessage, { role: 'tool' }>['content'][number], { type: 'tool-result' }>

export const isToolCall = (part: Content[number]): part is ToolCall => part.type === 'tool-call'

/** Thoughts are handed back with what their provider sealed into them: it cannot go on from them otherwise. */
export const messageOf = (content: Content): ModelMessage => ({
  role: 'assistant',
  content: content.flatMap((part): Assistant => {
    const providerOptions = 'providerMetadata' in part ? part.providerMetadata : undefined
    if (part.type === 'text' || part.type === 'reasoning')
      return part.text || providerOptions ? [{ type: part.type, text: part.text, providerOptions }] : []
    if (!isToolCall(part)) return []
    const { type, toolCallId, toolName } = part
    // The arguments of a call that fits no tool may be no object, and then are taken by no API.
    const isObject = typeof part.input === 'object' && part.input !== null
    const input = part.invalid && !isObject ? {} : part.input
    return [{ type, toolCallId, toolName, input, providerOptions }]
  }),
})

export const resultOf = (
  { toolCallId, toolName }: Pick<ToolCall, 'toolCallId' | 'toolName'>,
  value: string,
  type: 'text' | 'error-text' = 'text',
): Result => ({ type: 'tool-result', toolCallId, toolName, output: { type, value } })
