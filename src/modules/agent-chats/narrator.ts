/** Tells what the model says and does as events, each message and call opened before its pieces and closed after. */
import type { LanguageModelV4StreamPart as Part } from '@ai-sdk/provider'
import { AppError } from '../../errors.ts'
import type { Run } from './run.ts'
import type { Transcript } from './transcript.ts'
import { WholeText } from './whole-text.ts'

type Call = { args: WholeText; argsTold: boolean; closed: boolean }
type Called = { toolCallId: string; toolName: string }

export class Narrator {
  #text: string | null = null
  #reasoning: string | null = null
  readonly #words = new WholeText()
  readonly #thoughts = new WholeText()
  /** The message that tool calls of this step belong to. */
  #message: string | null = null
  readonly #calls = new Map<string, Call>()

  private readonly transcript: Transcript
  /** What the first message of the answer is to be called. */
  #answerId: string | null

  constructor({ transcript, legStart, answerId }: Pick<Run, 'transcript' | 'legStart' | 'answerId'>) {
    this.transcript = transcript
    this.#answerId = legStart === 0 ? answerId : null
  }

  /** How many calls of tools have been told. */
  get calls(): number {
    return this.#calls.size
  }

  /** What comes is another message than what came. */
  beginStep(): void {
    this.#closeMessages()
    this.#message = null
  }

  tell(part: Part): void {
    if (part.type === 'text-delta') this.#sayText(part.delta)
    else if (part.type === 'text-end') this.#closeText()
    else if (part.type === 'reasoning-delta') this.#sayReasoning(part.delta)
    else if (part.type === 'reasoning-end') this.#closeReasoning()
    else if (part.type === 'tool-input-start') this.#openCall(part.id, part.toolName)
    else if (part.type === 'tool-input-delta') this.#sayArgs(part.id, part.delta)
    else if (part.type === 'tool-call') this.#closeCall(part)
  }

  /** What a call came to. */
  tellOutcome({ toolCallId, toolName }: Called, outcome: string | AppError): void {
    const end =
      outcome instanceof AppError
        ? { result: null, failure: outcome.failure }
        : { result: outcome, failure: null }
    const messageId = Bun.randomUUIDv7()
    this.transcript.append({ type: 'TOOL_CALL_RESULT', messageId, toolCallId, toolName, ...end })
  }

  /** Closes whatever is open: the answer is over, or has broken off. */
  close(): void {
    this.#closeMessages()
    for (const [toolCallId, call] of this.#calls) if (!call.closed) this.#endCall(toolCallId, call)
    this.#calls.clear()
  }

  #sayText(piece: string): void {
    const text = this.#words.join(piece)
    if (!text) return
    this.#closeReasoning()
    if (this.#text === null) {
      this.#text = this.#message = this.#newMessage()
      this.transcript.append({ type: 'TEXT_MESSAGE_START', messageId: this.#text })
    }
    this.transcript.append({ type: 'TEXT_MESSAGE_CONTENT', of: this.#text, text })
  }

  #closeText(): void {
    const text = this.#words.end()
    if (this.#text === null) return
    if (text) this.transcript.append({ type: 'TEXT_MESSAGE_CONTENT', of: this.#text, text })
    this.transcript.append({ type: 'TEXT_MESSAGE_END', messageId: this.#text })
    this.#text = null
  }

  #sayReasoning(piece: string): void {
    const text = this.#thoughts.join(piece)
    if (!text) return
    this.#closeText()
    if (this.#reasoning === null) {
      const messageId = Bun.randomUUIDv7()
      this.#reasoning = messageId
      this.transcript.append({ type: 'REASONING_START', messageId })
      this.transcript.append({ type: 'REASONING_MESSAGE_START', messageId })
    }
    this.transcript.append({ type: 'REASONING_MESSAGE_CONTENT', of: this.#reasoning, text })
  }

  #closeReasoning(): void {
    const text = this.#thoughts.end()
    if (this.#reasoning === null) return
    const messageId = this.#reasoning
    if (text) this.transcript.append({ type: 'REASONING_MESSAGE_CONTENT', of: messageId, text })
    this.transcript.append({ type: 'REASONING_MESSAGE_END', messageId })
    this.transcript.append({ type: 'REASONING_END', messageId })
    this.#reasoning = null
  }

  #closeMessages(): void {
    this.#closeText()
    this.#closeReasoning()
  }

  #newMessage(): string {
    const id = this.#answerId ?? Bun.randomUUIDv7()
    this.#answerId = null
    return id
  }

  #openCall(toolCallId: string, toolName: string): Call {
    this.#closeMessages()
    this.#message ??= this.#newMessage()
    this.transcript.append({ type: 'TOOL_CALL_START', messageId: this.#message, toolCallId, toolName })
    const call = { args: new WholeText(), argsTold: false, closed: false }
    this.#calls.set(toolCallId, call)
    return call
  }

  #sayArgs(toolCallId: string, piece: string): void {
    const call = this.#calls.get(toolCallId)
    const text = call?.args.join(piece)
    if (!call || !text) return
    call.argsTold = true
    this.transcript.append({ type: 'TOOL_CALL_ARGS', of: toolCallId, text })
  }

  #closeCall({ toolCallId, toolName, input }: Called & { input: string }): void {
    const call = this.#calls.get(toolCallId) ?? this.#openCall(toolCallId, toolName)
    if (!call.argsTold) this.#sayArgs(toolCallId, input.trim() || '{}')
    this.#endCall(toolCallId, call)
  }

  #endCall(toolCallId: string, call: Call): void {
    const text = call.args.end()
    if (text) this.transcript.append({ type: 'TOOL_CALL_ARGS', of: toolCallId, text })
    call.closed = true
    this.transcript.append({ type: 'TOOL_CALL_END', toolCallId })
  }
}
