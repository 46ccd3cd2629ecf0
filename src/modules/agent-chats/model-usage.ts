/** What a call of the model took, in our words. */
import type { LanguageModelUsage, ModelMessage } from 'ai'
import type { Usage } from '../usage/tokens.ts'
import { isPiece, type RunEvent } from './events.ts'

/** Of English; other scripts take more bytes a token. */
const bytesPerToken = 4

/** As the model API says; null where it does not. */
export function usageOf(usage: LanguageModelUsage): Usage | null {
  const { inputTokens, outputTokens, inputTokenDetails, outputTokenDetails } = usage
  if (inputTokens === undefined && outputTokens === undefined) return null
  return {
    inputTokens: inputTokens ?? 0,
    cachedInputTokens: inputTokenDetails.cacheReadTokens ?? 0,
    outputTokens: outputTokens ?? 0,
    reasoningTokens: outputTokenDetails.reasoningTokens ?? 0,
    estimated: false,
  }
}

/** Where the model API did not say, most often because the call was broken off. */
export function estimatedUsage(asked: ModelMessage[], said: Iterable<RunEvent>): Usage {
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
