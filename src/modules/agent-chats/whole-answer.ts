import type {
  LanguageModelV4GenerateResult as Answer,
  LanguageModelV4FinishReason as Finish,
  LanguageModelV4StreamPart as Part,
  LanguageModelV4Reasoning as Reasoning,
  LanguageModelV4Text as Text,
  LanguageModelV4ToolCall as ToolCall,
  LanguageModelV4Usage as Usage,
} from '@ai-sdk/provider'

type Kind = 'text' | 'reasoning'
type Piece = Extract<Part, { type: `${Kind}-${'start' | 'delta' | 'end'}` }>

/** What a model said piece by piece, as it would have said it in one. Of files and sources nothing is made here. */
export class WholeAnswer {
  readonly #content: Array<Text | Reasoning | ToolCall> = []
  /** By what its provider calls them, which may be one name for both. */
  readonly #open = { text: new Map<string, Text>(), reasoning: new Map<string, Reasoning>() }
  #finish: Finish | null = null
  #usage!: Usage

  /** Null if the stream just stopped. */
  get finish(): Finish['unified'] | null {
    return this.#finish?.unified ?? null
  }

  add(part: Part): void {
    switch (part.type) {
      case 'text-start':
      case 'text-delta':
      case 'text-end':
        this.#join('text', part)
        break
      case 'reasoning-start':
      case 'reasoning-delta':
      case 'reasoning-end':
        this.#join('reasoning', part)
        break
      case 'tool-call':
        this.#call(part)
        break
      case 'finish':
        this.#finish = part.finishReason
        this.#usage = part.usage
    }
  }

  answer(): Answer {
    const calls = this.#content.some(({ type }) => type === 'tool-call')
    return {
      content: this.#content,
      // Some servers have other words for it, and then the SDK would leave the tools alone.
      finishReason: { raw: this.#finish?.raw, unified: calls ? 'tool-calls' : this.finish! },
      usage: this.#usage,
      warnings: [],
    }
  }

  #call(call: ToolCall): void {
    // Of two with one id no result could tell.
    if (this.#content.some(part => part.type === 'tool-call' && part.toolCallId === call.toolCallId)) return
    // Some models say null for none, which no API takes back.
    this.#content.push(call.input.trim() === 'null' ? { ...call, input: '{}' } : call)
  }

  #join(type: Kind, part: Piece): void {
    const piece = this.#open[type].get(part.id) ?? this.#begin(type, part.id)
    if ('delta' in part) piece.text += part.delta
    // Some of it comes at the end alone, as sealed thoughts do.
    if (part.providerMetadata) piece.providerMetadata = part.providerMetadata
    if (part.type.endsWith('-end')) this.#open[type].delete(part.id)
  }

  #begin(type: Kind, id: string): Text | Reasoning {
    const piece = { type, text: '' } as Text & Reasoning
    this.#open[type].set(id, piece)
    this.#content.push(piece)
    return piece
  }
}
