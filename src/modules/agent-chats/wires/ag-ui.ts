/**
 * A run as AG-UI 1.0 has it (https://docs.ag-ui.com): names in camelCase, nothing null, and an end that says
 * what came of it. A request is a run there, so each leg of ours is told as one, under the name that its
 * request gave it.
 */
import { AppError, type Failure } from '../../../errors.ts'
import { detailOf } from '../../../http/problem.ts'
import { fill, type Locale, textsIn } from '../../../texts/index.ts'
import { type HeldCall, isPiece, type Piece, type RunEvent, type ToolCallResult } from '../events.ts'
import type { Run } from '../run.ts'
import { reasonLength } from '../schema.ts'
import { closingsOf } from '../unfinished.ts'
import { frame, type Wire } from './stream.ts'

export type Telling = {
  /** The client's names. */
  threadId: string
  runId: string
  /** What of the answer the client has already, so that it is not told again. */
  known: Known
  /** What a run that waits still waits for; where undefined, all that it told. */
  waitsFor?: HeldCall[]
}

/** How much of each message and call, in UTF-16 units, and the calls whose results are there. */
export type Known = { lengths: Map<string, number>; answered: Set<string> }

export class AgUiWire implements Wire {
  readonly #names: { threadId: string; runId: string }
  readonly #lengths: Known['lengths']
  readonly #answered: Known['answered']
  readonly #waitsFor: HeldCall[] | undefined
  readonly #told: RunEvent[] = []

  constructor(
    private readonly run: Run,
    private readonly locale: Locale,
    { threadId, runId, known, waitsFor }: Telling,
  ) {
    this.#names = { threadId, runId }
    this.#lengths = new Map(known.lengths)
    this.#answered = new Set(known.answered)
    this.#waitsFor = waitsFor
  }

  begin(): string {
    // Ours, to follow or stop it by.
    const metadata = { sessionId: this.run.chatId, runId: this.run.id }
    return frame({ type: 'RUN_STARTED', ...this.#names, protocolVersion: '1.0', metadata })
  }

  event(event: RunEvent): string {
    if (this.#isKnown(event)) return ''
    if (isPiece(event)) return this.#piece(event)
    this.#told.push(event)
    switch (event.type) {
      // Told before anything else, once.
      case 'RUN_STARTED':
        return ''
      case 'RUN_FINISHED':
        return this.#finish({ type: 'success' })
      case 'RUN_PAUSED':
        return this.#isEnd(event) ? this.#pause(this.#waitsFor ?? event.calls) : ''
      case 'RUN_ERROR':
        return this.#fail(event.failure)
      case 'TEXT_MESSAGE_START':
        return frame({ ...event, role: 'assistant' })
      case 'REASONING_MESSAGE_START':
        return frame({ ...event, role: 'reasoning' })
      case 'TOOL_CALL_START': {
        const { type, toolCallId, toolName, messageId } = event
        return frame({ type, toolCallId, toolCallName: toolName, parentMessageId: messageId })
      }
      case 'TOOL_CALL_RESULT':
        return this.#result(event)
      default:
        return frame(event)
    }
  }

  signedOut(): string {
    const { failure } = new AppError('unauthenticated')
    const closings = closingsOf({ events: this.#told, paused: null }, failure)
    return closings.map(event => this.event(event)).join('') + this.#fail(failure)
  }

  /** Whether it is of a call that the client knows to its end. */
  #isKnown(event: RunEvent): boolean {
    const call = isPiece(event) ? event.of : 'toolCallId' in event ? event.toolCallId : ''
    if (!this.#answered.has(call)) return false
    // Some models give a later call the same id.
    if (event.type === 'TOOL_CALL_RESULT') this.#answered.delete(call)
    return true
  }

  /** The part of it that the client does not have. */
  #piece({ type, of, text }: Piece): string {
    const length = this.#lengths.get(of) ?? 0
    const skipped = Math.min(length, text.length)
    this.#lengths.set(of, length - skipped)
    if (skipped === text.length) return ''
    const id = type === 'TOOL_CALL_ARGS' ? { toolCallId: of } : { messageId: of }
    return frame({ type, ...id, delta: text.slice(skipped) })
  }

  #result({ type, messageId, toolCallId, result, failure }: ToolCallResult): string {
    const content = failure ? detailOf(failure, this.locale) : (result ?? '')
    return frame({
      type,
      messageId,
      toolCallId,
      content,
      metadata: failure ? { code: failure.code } : undefined,
    })
  }

  /** What it waited for before is not what the client is to answer. */
  #isEnd(event: RunEvent): boolean {
    const { transcript } = this.run
    return transcript.ended && event === transcript.events.at(-1)
  }

  /** A tool of the client's is no interrupt there: the run has ended, and its call is open. */
  #pause(calls: HeldCall[]): string {
    const asking = calls.filter(({ waitsFor }) => waitsFor === 'approval')
    return asking.length > 0
      ? this.#finish({ type: 'interrupt', interrupts: asking.map(call => interrupt(call, this.locale)) })
      : this.#finish({ type: 'success', pendingToolCallIds: calls.map(({ toolCallId }) => toolCallId) })
  }

  #finish(outcome: object): string {
    return frame({ type: 'RUN_FINISHED', ...this.#names, outcome, usage: usageOf(this.run) })
  }

  #fail(failure: Failure): string {
    const { code } = failure
    if (code === 'run_cancelled') return this.#finish({ type: 'cancelled' })
    const message = detailOf(failure, this.locale)
    return frame({ type: 'RUN_ERROR', message, code, usage: usageOf(this.run) })
  }
}

/** Of this leg; of one that is told again it is not known any more. */
const usageOf = ({ model, spent, usage: { estimated: _, ...tokens } }: Run) =>
  spent.length > 0 ? [{ model, ...tokens, totalTokens: tokens.inputTokens + tokens.outputTokens }] : undefined

const interrupt = ({ id, toolCallId, toolName }: HeldCall, locale: Locale) => ({
  id,
  reason: 'tool_call',
  message: fill(textsIn(locale).agent.mayUseTool, { tool: toolName }),
  toolCallId,
  responseSchema: {
    type: 'object',
    properties: { approved: { type: 'boolean' }, reason: { type: 'string', maxLength: reasonLength } },
    required: ['approved'],
  },
})
