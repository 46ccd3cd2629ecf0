/**
 * A run as AG-UI 1.0 has it (https://docs.ag-ui.com): names in camelCase, nothing null, and an end that says
 * what came of it. A request is a run there, so each leg of ours is told as one, under the name that its
 * request gave it.
 */
import { AppError, type Failure } from '../../../errors.ts'
import { detailOf } from '../../../http/problem.ts'
import { fill, type Locale, textsIn } from '../../../texts/index.ts'
import { type HeldCall, isPiece, type Piece, type RunEvent } from '../events.ts'
import type { Run } from '../run.ts'
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

export function agUiWire(run: Run, locale: Locale, { threadId, runId, known, waitsFor }: Telling): Wire {
  const names = { threadId, runId }
  const left = new Map(known.lengths)
  const answered = new Set(known.answered)
  const told: RunEvent[] = []

  function tell(event: RunEvent): string {
    if (isPiece(event)) return answered.has(event.of) ? '' : piece(event)
    if ('toolCallId' in event && answered.has(event.toolCallId)) {
      if (event.type === 'TOOL_CALL_RESULT') answered.delete(event.toolCallId)
      return ''
    }
    told.push(event)
    switch (event.type) {
      // Told before anything else, once.
      case 'RUN_STARTED':
        return ''
      case 'RUN_FINISHED':
        return finished({ type: 'success' })
      case 'RUN_PAUSED':
        // What it waited for before is not what the client is to answer.
        return run.transcript.ended && event === run.transcript.events.at(-1)
          ? finished(pause(waitsFor ?? event.calls))
          : ''
      case 'RUN_ERROR':
        return failed(event.failure)
      case 'TEXT_MESSAGE_START':
        return frame({ ...event, role: 'assistant' })
      case 'REASONING_MESSAGE_START':
        return frame({ ...event, role: 'reasoning' })
      case 'TOOL_CALL_START': {
        const { type, toolCallId, toolName, messageId } = event
        return frame({ type, toolCallId, toolCallName: toolName, parentMessageId: messageId })
      }
      case 'TOOL_CALL_RESULT': {
        const { type, messageId, toolCallId, result, failure } = event
        const content = failure ? detailOf(failure, locale) : (result ?? '')
        const metadata = failure ? { code: failure.code } : undefined
        return frame({ type, messageId, toolCallId, content, metadata })
      }
      default:
        return frame(event)
    }
  }

  /** The part of it that the client does not have. */
  function piece({ type, of, text }: Piece): string {
    const skipped = Math.min(left.get(of) ?? 0, text.length)
    left.set(of, (left.get(of) ?? 0) - skipped)
    if (skipped === text.length) return ''
    const id = type === 'TOOL_CALL_ARGS' ? { toolCallId: of } : { messageId: of }
    return frame({ type, ...id, delta: text.slice(skipped) })
  }

  const finished = (outcome: object) =>
    frame({ type: 'RUN_FINISHED', ...names, outcome, usage: usageOf(run) })

  const failed = (failure: Failure) =>
    failure.code === 'run_cancelled'
      ? finished({ type: 'cancelled' })
      : frame({
          type: 'RUN_ERROR',
          message: detailOf(failure, locale),
          code: failure.code,
          usage: usageOf(run),
        })

  /** A tool of the client's is no interrupt there: the run has ended, and its call is open. */
  function pause(calls: HeldCall[]): object {
    const asking = calls.filter(({ waitsFor }) => waitsFor === 'approval')
    return asking.length > 0
      ? { type: 'interrupt', interrupts: asking.map(call => interrupt(call, locale)) }
      : { type: 'success', pendingToolCallIds: calls.map(({ toolCallId }) => toolCallId) }
  }

  return {
    begin: () =>
      frame({
        type: 'RUN_STARTED',
        ...names,
        protocolVersion: '1.0',
        // Ours, to follow or stop it by.
        metadata: { sessionId: run.chatId, runId: run.id },
      }),
    event: tell,
    signedOut() {
      const { failure } = new AppError('unauthenticated')
      return closingsOf({ events: told, paused: null }, failure).map(tell).join('') + failed(failure)
    },
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
    properties: { approved: { type: 'boolean' }, reason: { type: 'string', maxLength: 1000 } },
    required: ['approved'],
  },
})
