/**
 * OpenAI's Chat Completions, streamed and whole (https://platform.openai.com/docs/api-reference/chat). Of tools the
 * client is told its own alone: ours are used here.
 */
import { AppError } from '../../../errors.ts'
import { detailOf } from '../../../http/problem.ts'
import { fill, type Locale, textsIn } from '../../../texts/index.ts'
import { between } from '../conversation.ts'
import type { RunEvent } from '../events.ts'
import type { CompletionView } from '../openai-schema.ts'
import type { Run } from '../run.ts'
import { frame, type Wire } from './stream.ts'

type ToolCall = { id: string; type: 'function'; function: { name: string; arguments: string } }
type Delta = {
  role?: 'assistant'
  content?: string
  reasoning_content?: string
  tool_calls?: Array<ToolCall & { index: number }>
}
type Finish = 'stop' | 'tool_calls'

/** @param withUsage whether the last chunk is to tell the tokens used */
export function openaiWire(run: Run, locale: Locale, withUsage: boolean): Wire {
  const teller = new Teller(locale)
  const chunk = (delta: Delta, finish_reason: Finish | null = null) =>
    frame({
      ...headOf(run, 'chat.completion.chunk'),
      choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    })
  const usage = () =>
    withUsage ? frame({ ...headOf(run, 'chat.completion.chunk'), choices: [], usage: usageView(run) }) : ''
  const error = (failure: AppError['failure']) =>
    `${frame({ error: { message: detailOf(failure, locale), code: failure.code, type: 'server_error' } })}data: [DONE]\n\n`
  return {
    event(event) {
      if (event.type === 'RUN_ERROR') return error(event.failure)
      const { deltas, finish } = teller.tell(event)
      const frames = deltas.map(delta => chunk(delta)).join('')
      return finish ? `${frames}${chunk({}, finish)}${usage()}data: [DONE]\n\n` : frames
    },
    signedOut: () => error(new AppError('unauthenticated').failure),
  }
}

/** The answer of this leg as a whole. Throws the run's failure. */
export async function completion(run: Run, locale: Locale, isAlive: () => boolean): Promise<CompletionView> {
  await run.ended
  if (!isAlive()) throw new AppError('unauthenticated')
  if (run.failure) throw run.failure
  const teller = new Teller(locale)
  const told = legOf(run).map(event => teller.tell(event))
  const deltas = told.flatMap(({ deltas }) => deltas)
  const joined = (member: 'content' | 'reasoning_content') =>
    deltas.map(delta => delta[member] ?? '').join('')
  const calls = deltas.flatMap(({ tool_calls = [] }) => tool_calls).map(({ index: _, ...call }) => call)
  const reasoning = joined('reasoning_content')
  return {
    ...headOf(run, 'chat.completion'),
    choices: [
      {
        index: 0,
        finish_reason: told.at(-1)?.finish ?? 'stop',
        message: {
          role: 'assistant',
          content: joined('content') || null,
          refusal: null,
          ...(reasoning && { reasoning_content: reasoning }),
          ...(calls.length > 0 && { tool_calls: calls }),
        },
      },
    ],
    usage: usageView(run),
  }
}

/** Puts events into the words of Chat Completions. */
class Teller {
  readonly #args = new Map<string, string>()
  #messages = 0

  constructor(private readonly locale: Locale) {}

  tell(event: RunEvent): { deltas: Delta[]; finish?: Finish } {
    switch (event.type) {
      case 'RUN_STARTED':
        return { deltas: [{ role: 'assistant', content: '' }] }
      case 'TEXT_MESSAGE_START':
        return { deltas: this.#messages++ > 0 ? [{ content: between }] : [] }
      case 'TEXT_MESSAGE_CONTENT':
        return { deltas: [{ content: event.text }] }
      case 'REASONING_MESSAGE_CONTENT':
        return { deltas: [{ reasoning_content: event.text }] }
      case 'TOOL_CALL_ARGS':
        this.#args.set(event.of, (this.#args.get(event.of) ?? '') + event.text)
        return { deltas: [] }
      case 'RUN_PAUSED': {
        const calls = event.calls.filter(({ waitsFor }) => waitsFor === 'client')
        const tool_calls = calls.map(({ toolCallId, toolName }, index) => ({
          index,
          id: toolCallId,
          type: 'function' as const,
          function: { name: toolName, arguments: this.#args.get(toolCallId) ?? '{}' },
        }))
        if (calls.length > 0) return { deltas: [{ tool_calls }], finish: 'tool_calls' }
        // No word of this API asks a person for approval; it is given by a route of our own.
        const tools = event.calls.map(({ toolName }) => toolName).join(', ')
        const content = fill(textsIn(this.locale).agent.approvalNeeded, { tools })
        return { deltas: [{ content: this.#messages > 0 ? between + content : content }], finish: 'stop' }
      }
      case 'RUN_FINISHED':
        return { deltas: [], finish: 'stop' }
      default:
        return { deltas: [] }
    }
  }
}

/** What was told since the run was started or went on. */
function legOf({ transcript }: Run): RunEvent[] {
  return transcript.events.slice(transcript.events.findLastIndex(({ type }) => type === 'RUN_STARTED'))
}

const headOf = <Kind extends string>({ id, chatId, model }: Run, object: Kind) => ({
  id,
  object,
  created: Math.floor(Number.parseInt(id.replace('-', '').slice(0, 12), 16) / 1000),
  model,
  session_id: chatId,
})

const usageView = ({ usage }: Run) => ({
  prompt_tokens: usage.inputTokens,
  completion_tokens: usage.outputTokens,
  total_tokens: usage.inputTokens + usage.outputTokens,
  prompt_tokens_details: { cached_tokens: usage.cachedInputTokens },
  completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
})
