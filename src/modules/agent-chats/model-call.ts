/**
 * One call of the model, as the AI SDK's agent loop asks for it: in one piece. In truth the model streams, and what it
 * says is told as it comes. The loop needs to know no more than the whole (docs/decisions/0011).
 */
import type {
  LanguageModelV4GenerateResult as Answer,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4StreamResult,
  LanguageModelV4Usage,
  LanguageModelV4StreamPart as Part,
} from '@ai-sdk/provider'
import { wrapLanguageModel } from 'ai'
import { AppError } from '../../errors.ts'
import { noUsage, type Usage } from '../usage/tokens.ts'
import { failureOfFinish, isRefusal } from './model-failure.ts'
import { estimatedUsage, usageOf } from './model-usage.ts'
import type { Narrator } from './narrator.ts'
import type { Run } from './run.ts'
import type { TimeLimits } from './time-limits.ts'
import { Reader } from './transcript.ts'
import { WholeAnswer } from './whole-answer.ts'

/** In characters: a long book. Beyond it a model is running wild, and its run is held in memory. */
const answerLimit = 4 * 1024 * 1024

/** Calls of tools in one leg of a run; likewise. */
const callLimit = 100

/** Who hears what the model says. */
export type Listener = { run: Run; narrator: Narrator; clock: TimeLimits; today: () => string }

export const heardBy = (listener: Listener, model: LanguageModelV4): LanguageModelV4 =>
  wrapLanguageModel({
    model,
    middleware: {
      specificationVersion: 'v4',
      wrapGenerate: ({ doStream, params }) => listen(doStream, params, listener),
    },
  })

/** Reads as fast as the model speaks; rejects if what it says is not whole. */
async function listen(
  doStream: () => PromiseLike<LanguageModelV4StreamResult>,
  { prompt }: LanguageModelV4CallOptions,
  { run, narrator, clock, today }: Listener,
): Promise<Answer> {
  const { transcript } = run
  const before = transcript.length
  const asked = prompt.filter(({ role }) => role !== 'system')
  const whole = new WholeAnswer()
  let usage: Usage | null = null
  clock.callStarts()
  narrator.beginStep()
  try {
    const { stream, response } = await doStream()
    for await (const part of stream) {
      if (part.type === 'error') throw part.error
      if (part.type === 'stream-start' || part.type === 'response-metadata') continue
      clock.callSpeaks()
      // Its provider carries it out: no call of ours.
      if ('providerExecuted' in part && part.providerExecuted) continue
      if (part.type === 'finish') usage = usageOf(countsOf(part.usage))
      const tooMany = part.type === 'tool-input-start' && narrator.calls >= callLimit
      if (transcript.size + lengthOf(part) > answerLimit || tooMany)
        run.abort(new AppError('answer_too_long'))
      if (run.signal.aborted) continue
      whole.add(part)
      narrator.tell(part)
    }
    run.signal.throwIfAborted()
    const failure = failureOfFinish(whole.finish, response?.headers?.['content-type'])
    if (failure) throw failure
    return whole.answer()
  } catch (error) {
    // Of a call that was turned away nothing was taken.
    if (isRefusal(error)) usage ??= noUsage()
    throw error
  } finally {
    clock.callEnds()
    // What it does not say, being cut off, is no gift.
    run.spend(usage ?? estimatedUsage(asked, new Reader(transcript, before, 'length').rest()), today())
  }
}

const countsOf = ({ inputTokens, outputTokens }: LanguageModelV4Usage) => ({
  input: inputTokens.total,
  cachedInput: inputTokens.cacheRead,
  output: outputTokens.total,
  reasoning: outputTokens.reasoning,
})

const lengthOf = (part: Part): number => ('delta' in part ? part.delta.length : 0)
