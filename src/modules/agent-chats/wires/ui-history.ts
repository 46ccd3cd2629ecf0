/** A chat as the AI SDK's client has it: what its stream (ui.ts) made of the same runs. */
import type { UIMessage } from 'ai'
import { AppError, type ErrorCode } from '../../../errors.ts'
import { detailOf } from '../../../http/problem.ts'
import type { Locale } from '../../../texts/index.ts'
import type { PathMessage } from '../chat-store.ts'
import { attachmentsIn, textOf } from '../history.ts'
import type { ChatMessage, PausedCall, UserMessage } from '../store.ts'
import { outputOf } from './ui.ts'
import { uiFile } from './ui-files.ts'

/**
 * @param chatId where files are kept
 * @param path oldest first, from a message of the user on
 * @param paused the calls of the run that waits, or goes on after its wait
 */
export function uiMessages(
  chatId: string,
  path: PathMessage[],
  paused: PausedCall[],
  locale: Locale,
): UIMessage[] {
  const messages: UIMessage[] = []
  let answer: Answer | null = null
  for (const { id, runId, answerId, message } of path) {
    if (message.role === 'user') {
      messages.push({ id, role: 'user', parts: saidIn(message, chatId) })
      answer = null
    } else {
      if (answer?.runId !== runId) {
        answer = new Answer(runId, paused, locale)
        messages.push({ id: answerId ?? id, role: 'assistant', parts: answer.parts as UIMessage['parts'] })
      }
      answer.add(message)
    }
  }
  return messages
}

function saidIn(message: UserMessage, chatId: string): UIMessage['parts'] {
  const text = textOf(message)
  const files = attachmentsIn(message).map(file => uiFile(chatId, file))
  return text === '' && files.length > 0 ? files : [...files, { type: 'text', text }]
}

type Part = Record<string, unknown> & { type: string }

/** The messages of one run, as parts of one. */
class Answer {
  readonly parts: Part[] = []
  readonly #calls = new Map<string, Part>()
  /** Whether the step's tools have answered, so that what follows is another. */
  #answered = true

  constructor(
    readonly runId: string,
    private readonly paused: PausedCall[],
    private readonly locale: Locale,
  ) {}

  add({ role, content }: ChatMessage): void {
    if (role === 'reasoning') this.#push({ type: 'reasoning', text: content as string, state: 'done' })
    else if (role === 'assistant' && typeof content === 'string')
      this.#push({ type: 'text', text: content, state: 'done' })
    else if (typeof content !== 'string') for (const part of content) this.#addPart(part)
  }

  #addPart(part: Exclude<ChatMessage['content'], string>[number]): void {
    if (part.type === 'text') this.#push({ type: 'text', text: part.text, state: 'done' })
    if (part.type === 'tool-call') this.#call(part.toolCallId, part.toolName, part.input)
    if (part.type === 'tool-result') this.#result(part)
  }

  #push(part: Part): void {
    if (this.#answered) this.parts.push({ type: 'step-start' })
    this.#answered = false
    this.parts.push(part)
  }

  #call(toolCallId: string, toolName: string, input: unknown): void {
    const waiting = this.paused.find(call => call.toolCallId === toolCallId)
    const part = { type: `tool-${toolName}`, toolCallId, input, ...approvalOf(waiting) }
    this.#calls.set(toolCallId, part)
    this.#push(part)
  }

  #result({ toolCallId, output }: { toolCallId: string; output: { type: string; value?: unknown } }): void {
    this.#answered = true
    const part = this.#calls.get(toolCallId)
    if (part) Object.assign(part, resultOf(toolCallId, output, this.locale))
  }
}

function approvalOf(call: PausedCall | undefined): { state: string; approval?: object } {
  if (call?.waitsFor !== 'approval') return { state: 'input-available' }
  const { id, answer } = call
  return answer
    ? { state: 'approval-responded', approval: { id, ...answer } }
    : { state: 'approval-requested', approval: { id } }
}

function resultOf(id: string, { type, value }: { type: string; value?: unknown }, locale: Locale) {
  if (type !== 'error-text') return { state: 'output-available', output: outputOf(String(value)) }
  if (value === 'tool_denied') return { state: 'output-denied', approval: { id, approved: false } }
  const { failure } = new AppError(value as ErrorCode)
  return { state: 'output-error', errorText: detailOf(failure, locale) }
}
