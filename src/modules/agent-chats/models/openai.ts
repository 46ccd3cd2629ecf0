/** Any OpenAI-compatible server, by either of the two APIs. */

import { createOpenAI } from '@ai-sdk/openai'
import type { LanguageModelV4 } from '@ai-sdk/provider'
import type { Config } from '../../../config.ts'
import type { AttachmentStore } from '../attachments/attachment.ts'
import { withImages } from '../attachments/marks.ts'

type Settings = Pick<Config, 'OPENAI_API' | 'OPENAI_API_KEY' | 'OPENAI_BASE_URL'>

const openaiItself = 'https://api.openai.com/v1'

export function openaiModel(name: string, settings: Settings, attachments: AttachmentStore): LanguageModelV4 {
  const provider = createOpenAI({
    baseURL: settings.OPENAI_BASE_URL ?? openaiItself,
    // Empty rather than absent, or it would look for one in the environment; then none is sent.
    apiKey: settings.OPENAI_API_KEY ?? '',
    fetch: patientFetch(settings.OPENAI_API_KEY !== undefined, attachments) as typeof fetch,
  })
  return settings.OPENAI_API === 'chat' ? provider.chat(name) : provider.responses(name)
}

/** The chat is kept here. Of the two only the Responses API would keep it there, and only that knows the option. */
export const openaiOptions = ({ OPENAI_API }: Settings) =>
  OPENAI_API === 'responses' ? { openai: { store: false } } : undefined

/**
 * A fetch whose time is limited by its signal alone, and that says of whatever kept it from an answer what
 * Node's says: the errors of Bun come in many forms, not all of which the SDK knows.
 */
const patientFetch =
  (hasKey: boolean, attachments: AttachmentStore) =>
  async (url: string, init: RequestInit & { body: string }): Promise<Response> => {
    const headers = new Headers(init.headers)
    if (!hasKey) headers.delete('authorization')
    const filled = await withImages(init.body, attachments)
    if (filled) headers.set('content-length', String(filled.bytes))
    // On a connection of its own: what is streamed cannot be sent again, were a kept one found to be closed.
    const request = { ...init, headers, body: filled?.body ?? init.body, keepalive: !filled }
    const ask = () => fetch(url, { ...request, timeout: false })
    try {
      // A kept connection may have been closed meanwhile, which only its next use finds out: once more, on a new one.
      return await ask().catch(error => {
        if (filled || init.signal?.aborted || error.code !== 'ECONNRESET') throw error
        return ask()
      })
    } catch (cause) {
      throw init.signal?.aborted ? cause : new TypeError('fetch failed', { cause })
    }
  }
