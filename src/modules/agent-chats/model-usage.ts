/** What a call of the model took, in our words. */
import type { LanguageModelUsage, ModelMessage } from 'ai'
import type { Usage } from './usage.ts'

/** Of English; other scripts take more bytes a token. */
const bytesPerToken = 4

export function usageOf(usage: LanguageModelUsage): Usage | null {
  const { inputTokens, outputTokens, inputTokenDetails, outputTokenDetails } = usage
  if (inputTokens === undefined && outputTokens === undefined) return null
  return {
    inputTokens: inputTokens ?? 0,
    cachedInputTokens: inputTokenDetails.cacheReadTokens ?? 0,
    outputTokens: outputTokens ?? 0,
    reasoningTokens: outputTokenDetails.reasoningTokens ?? 0,
  }
}

/**
 * Where the model API did not say, most often because the call was broken off.
 * @param said characters it has answered
 */
export function estimatedUsage(messages: ModelMessage[], said: number): Usage {
  const asked = Buffer.byteLength(JSON.stringify(messages))
  return {
    inputTokens: Math.ceil(asked / bytesPerToken),
    cachedInputTokens: 0,
    outputTokens: Math.ceil(said / bytesPerToken),
    reasoningTokens: 0,
  }
}
