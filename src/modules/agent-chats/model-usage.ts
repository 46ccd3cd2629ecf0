/** What a call of the model took, in our words. */
import type { LanguageModelV4Prompt } from '@ai-sdk/provider'
import type { ModelMessage } from 'ai'
import type { Usage } from '../usage/tokens.ts'
import { isPiece, type RunEvent } from './events.ts'

/** Of English; other scripts take more bytes a token. */
const bytesPerToken = 4

/** In tokens, where the model API counts them. */
type Counts = Partial<Record<'input' | 'cachedInput' | 'output' | 'reasoning', number | undefined>>

/** As the model API says; null where it does not. */
export function usageOf({ input, cachedInput, output, reasoning }: Counts): Usage | null {
  if (input === undefined && output === undefined) return null
  return {
    inputTokens: input ?? 0,
    cachedInputTokens: cachedInput ?? 0,
    outputTokens: output ?? 0,
    reasoningTokens: reasoning ?? 0,
    estimated: false,
  }
}

/** Where the model API did not say, most often because the call was broken off. */
export function estimatedUsage(
  asked: ModelMessage[] | LanguageModelV4Prompt,
  said: Iterable<RunEvent>,
): Usage {
  let saidBytes = 0
  for (const event of said) if (isPiece(event)) saidBytes += Buffer.byteLength(event.text)
  return {
    inputTokens: Math.ceil(Buffer.byteLength(JSON.stringify(asked, withoutFiles)) / bytesPerToken),
    cachedInputTokens: 0,
    outputTokens: Math.ceil(saidBytes / bytesPerToken),
    reasoningTokens: 0,
    estimated: true,
  }
}

/** Of a file's bytes nothing follows for its tokens. */
const withoutFiles = (key: string, value: unknown) => (key === 'data' || key === 'image' ? null : value)
