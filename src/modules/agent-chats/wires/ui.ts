/**
 * The AI SDK's UI message stream (version 1), as `useChat` reads it. A run is one message of the assistant, its
 * id `run.answerId`; a call of the model with what its tools gave is one step of it.
 */
import type { UIMessageChunk } from 'ai'
import { AppError, type Failure } from '../../../errors.ts'
import { detailOf } from '../../../http/problem.ts'
import type { Locale } from '../../../texts/index.ts'
import { type HeldCall, isPiece, type Piece, type RunEvent, type ToolCallResult } from '../events.ts'
import type { Run } from '../run.ts'
import type { AnswerTo } from './answer-to.ts'
import { frame, type Wire } from './stream.ts'

const done = 'data: [DONE]\n\n'

/** Sends runs in this form. */
export const uiStreamTo =
  (answerTo: AnswerTo) =>
  (asking: Parameters<AnswerTo['stream']>[0], { run, after }: { run: Run; after: number }): Response => {
    const uiWire = (run: Run, locale: Locale) => new UiWire(run, locale)
    // Where other calls of the message still wait, nothing comes.
    const nothing = after > 0 && after === run.transcript.length
    const response = nothing
      ? new Response(done, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } })
      : answerTo.stream(asking, run, after, uiWire)
    response.headers.set('x-vercel-ai-ui-message-stream', 'v1')
    return response
  }

class UiWire implements Wire {
  #begun = false
  /** Whether a step is open, and whether its tools have answered, so that what the model says next is another. */
  #step: 'none' | 'open' | 'answered' = 'none'
  /** What ends the text or thought that is open. */
  #closing: UIMessageChunk | null = null
  readonly #calls = new Map<string, { toolName: string; args: string }>()
  #held: HeldCall[] = []

  constructor(
    private readonly run: Run,
    private readonly locale: Locale,
  ) {}

  event(event: RunEvent, id: number): string {
    if (isPiece(event)) return this.#piece(event)
    switch (event.type) {
      case 'RUN_STARTED':
        return this.#goOn()
      case 'TEXT_MESSAGE_START':
        return this.#open('text', event.messageId)
      case 'REASONING_START':
        return this.#open('reasoning', event.messageId)
      case 'TEXT_MESSAGE_END':
      case 'REASONING_END':
        return this.#close()
      case 'TOOL_CALL_START':
        return this.#openCall(event)
      case 'TOOL_CALL_END':
        return this.#closeCall(event.toolCallId)
      case 'TOOL_CALL_RESULT':
        return this.#result(event)
      case 'RUN_PAUSED':
        return this.#pause(event.calls, id)
      case 'RUN_FINISHED':
        return this.#say(...this.#endOfStep(), { type: 'finish', finishReason: 'stop' }) + done
      case 'RUN_ERROR':
        return this.#fail(event.failure)
      default:
        return ''
    }
  }

  signedOut(): string {
    return this.#close() + this.#fail(new AppError('unauthenticated').failure)
  }

  /** The first chunk brings the message's start along: a run that fails before leaves no empty message. */
  #say(...chunks: UIMessageChunk[]): string {
    if (chunks.length === 0) return ''
    const start = this.#begun ? [] : [startOf(this.run.answerId)]
    this.#begun = true
    return framesOf(...start, ...chunks)
  }

  #inStep(chunk: UIMessageChunk): string {
    if (this.#step === 'open') return this.#say(chunk)
    const before = this.#endOfStep()
    this.#step = 'open'
    return this.#say(...before, { type: 'start-step' }, chunk)
  }

  #endOfStep(): UIMessageChunk[] {
    const open = this.#step !== 'none'
    this.#step = 'none'
    return open ? [{ type: 'finish-step' }] : []
  }

  #piece({ type, of: id, text }: Piece): string {
    if (type === 'TEXT_MESSAGE_CONTENT') return framesOf({ type: 'text-delta', id, delta: text })
    if (type === 'REASONING_MESSAGE_CONTENT') return framesOf({ type: 'reasoning-delta', id, delta: text })
    this.#calls.get(id)!.args += text
    return framesOf({ type: 'tool-input-delta', toolCallId: id, inputTextDelta: text })
  }

  #open(type: 'text' | 'reasoning', id: string): string {
    this.#closing = { type: `${type}-end`, id }
    return this.#inStep({ type: `${type}-start`, id })
  }

  #close(): string {
    const chunks = this.#closing ? [this.#closing] : []
    this.#closing = null
    return this.#say(...chunks)
  }

  #openCall({ toolCallId, toolName }: { toolCallId: string; toolName: string }): string {
    this.#calls.set(toolCallId, { toolName, args: '' })
    return this.#inStep({ type: 'tool-input-start', toolCallId, toolName })
  }

  #closeCall(toolCallId: string): string {
    const { toolName, args } = this.#calls.get(toolCallId)!
    const input = parsed(args)
    // Cut off within its arguments, it is none.
    return input === undefined ? '' : this.#say({ type: 'tool-input-available', toolCallId, toolName, input })
  }

  #result({ toolCallId, result, failure }: ToolCallResult): string {
    if (this.#step === 'open') this.#step = 'answered'
    if (failure?.code === 'tool_denied') return this.#say({ type: 'tool-output-denied', toolCallId })
    if (failure)
      return this.#say({
        type: 'tool-output-error',
        toolCallId,
        errorText: detailOf(failure, this.locale),
      })
    return this.#say({ type: 'tool-output-available', toolCallId, output: outputOf(result ?? '') })
  }

  /** The calls wait. In a replay of what has gone on since, it is not the end. */
  #pause(calls: HeldCall[], id: number): string {
    this.#held = calls.filter(({ waitsFor }) => waitsFor === 'approval')
    const requests = this.#held.map(
      ({ id, toolCallId }): UIMessageChunk => ({ type: 'tool-approval-request', approvalId: id, toolCallId }),
    )
    const chunks = [...requests, ...this.#endOfStep()]
    if (id < this.run.transcript.length) return this.#say(...chunks)
    return this.#say(...chunks, { type: 'finish', finishReason: 'tool-calls' }) + done
  }

  /** In a replay, what the calls waited for has come: whoever was denied has that as its result at once. */
  #goOn(): string {
    const denied = new Set(
      this.run.transcript.events.map(event =>
        event.type === 'TOOL_CALL_RESULT' && event.failure?.code === 'tool_denied' ? event.toolCallId : '',
      ),
    )
    const answers = this.#held.map(
      ({ id, toolCallId }): UIMessageChunk => ({
        type: 'tool-approval-response',
        approvalId: id,
        approved: !denied.has(toolCallId),
      }),
    )
    this.#held = []
    return this.#say(...answers)
  }

  #fail(failure: Failure): string {
    const ending: UIMessageChunk =
      failure.code === 'run_cancelled'
        ? { type: 'abort' }
        : { type: 'error', errorText: detailOf(failure, this.locale) }
    return framesOf(ending) + done
  }
}

const startOf = (messageId: string): UIMessageChunk => ({ type: 'start', messageId })

const framesOf = (...chunks: UIMessageChunk[]): string => chunks.map(chunk => frame(chunk)).join('')

/** What a tool gave, as the model got it: an object or a list as such, all else as text. */
export const outputOf = (result: string): unknown => {
  const value = /^\s*[[{]/.test(result) ? parsed(result) : undefined
  return value ?? result
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
