import type {
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from '@ai-sdk/provider'

/** Between two words: quick, but visibly a stream. */
const pauseMs = 15

/** A content spoken word by word, as a model would. */
export function streamOf(
  content: LanguageModelV4Content[],
  finishReason: LanguageModelV4FinishReason,
  usage: LanguageModelV4Usage,
  signal: AbortSignal | undefined,
): ReadableStream<LanguageModelV4StreamPart> {
  const parts = spoken(content, finishReason, usage)
  return new ReadableStream({
    async pull(controller) {
      signal?.throwIfAborted()
      const { value, done } = parts.next()
      if (done) return controller.close()
      if (value.type === 'text-delta') await Bun.sleep(pauseMs)
      controller.enqueue(value)
    },
  })
}

function* spoken(
  content: LanguageModelV4Content[],
  finishReason: LanguageModelV4FinishReason,
  usage: LanguageModelV4Usage,
): Generator<LanguageModelV4StreamPart> {
  yield { type: 'stream-start', warnings: [] }
  for (const [index, part] of content.entries()) {
    const id = String(index)
    if (part.type === 'text') {
      yield { type: 'text-start', id }
      for (const delta of words(part.text)) yield { type: 'text-delta', id, delta }
      yield { type: 'text-end', id }
    } else if (part.type === 'tool-call') {
      const { toolCallId, toolName, input } = part
      yield { type: 'tool-input-start', id: toolCallId, toolName }
      yield { type: 'tool-input-delta', id: toolCallId, delta: input }
      yield { type: 'tool-input-end', id: toolCallId }
      yield part
    }
  }
  yield { type: 'finish', finishReason, usage }
}

/** Words with the space after them; Chinese, which has none, by two characters. */
const words = (text: string): string[] =>
  text.match(/\p{Script=Han}{1,2}|[^\s\p{Script=Han}]+\s*|\s+/gu) ?? []
