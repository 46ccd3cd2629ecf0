/** Any OpenAI-compatible server, by either of the two APIs. */

import { createOpenAI } from '@ai-sdk/openai'
import type { LanguageModelV4 } from '@ai-sdk/provider'
import type { Config } from '../../../config.ts'
import { AppError } from '../../../errors.ts'

type Settings = Pick<Config, 'OPENAI_API' | 'OPENAI_API_KEY' | 'OPENAI_BASE_URL'>

const openaiItself = 'https://api.openai.com/v1'

/** Seconds after which a server that could not be reached is worth another try. */
const reconnectSeconds = 10

export function openaiModel(name: string, settings: Settings): LanguageModelV4 {
  const provider = createOpenAI({
    baseURL: settings.OPENAI_BASE_URL ?? openaiItself,
    // Empty rather than absent, or it would look for one in the environment; then none is sent.
    apiKey: settings.OPENAI_API_KEY ?? '',
    fetch: withoutLimitOfBun(settings.OPENAI_API_KEY !== undefined) as typeof fetch,
  })
  return settings.OPENAI_API === 'chat' ? provider.chat(name) : provider.responses(name)
}

/** The chat is kept here; the Responses API would keep it there as well. */
export const openaiOptions = { openai: { store: false } }

/** A fetch whose time is limited by its signal alone, and that says model_unreachable of whatever kept it from an answer. */
const withoutLimitOfBun =
  (hasKey: boolean) =>
  async (url: string, init: RequestInit): Promise<Response> => {
    const headers = new Headers(init.headers)
    if (!hasKey) headers.delete('authorization')
    try {
      return await fetch(url, { ...init, headers, timeout: false })
    } catch (cause) {
      if (init.signal?.aborted) throw cause
      throw new AppError('model_unreachable', { retryAfter: reconnectSeconds, cause })
    }
  }
