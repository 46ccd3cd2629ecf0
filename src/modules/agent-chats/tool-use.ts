/** The calls of tools within an answer: carried out, or held for somebody. */
import { jsonSchema, type StepResult, type ToolModelMessage, type ToolSet } from 'ai'
import { AppError } from '../../errors.ts'
import type { Narrator } from './narrator.ts'
import type { Run } from './run.ts'
import type { ClientTool, PausedCall } from './store.ts'
import type { Tools } from './tools/index.ts'
import { type People, shortened, toldToModel } from './tools/tool.ts'

/** What a tool gave, or how it failed, which is a result as well. */
type Outcome = string | AppError

type Call = Pick<PausedCall, 'toolCallId' | 'toolName' | 'input'>

export class ToolUse {
  constructor(
    private readonly tools: Tools,
    private readonly people: People,
    private readonly now: () => number,
  ) {}

  /** What the model may ask for. The SDK's loop stops where a person is to be asked, and where the tool is the client's. */
  toolSet(clientTools: ClientTool[], run: Run, narrator: Narrator): ToolSet {
    const theirs = clientTools.map(({ name, description, parameters }) => [
      name,
      { description, inputSchema: jsonSchema(parameters) },
    ])
    const ours = this.tools.list().map(({ name, description, inputSchema }) => [
      name,
      {
        description,
        inputSchema,
        needsApproval: () => this.tools.needsApproval(name),
        execute: (input: unknown, { toolCallId }: { toolCallId: string }) =>
          this.#use({ toolCallId, toolName: name, input }, run, narrator),
        toModelOutput: ({ output }: { output: Outcome }) => modelOutputOf(output),
      },
    ])
    // Of two with one name, it is ours.
    return Object.fromEntries([...theirs, ...ours])
  }

  /** Of calls that have been answered: carries out what was approved, and passes on what the client says. */
  async resultsOf(calls: PausedCall[], run: Run, narrator: Narrator): Promise<ToolModelMessage> {
    const content = calls.map(async call => ({
      type: 'tool-result' as const,
      toolCallId: call.toolCallId,
      toolName: call.toolName,
      output: modelOutputOf(await this.#settle(call, run, narrator)),
    }))
    return { role: 'tool', content: await Promise.all(content) }
  }

  async #settle(call: PausedCall, run: Run, narrator: Narrator): Promise<Outcome> {
    const outcome = answerTo(call)
    if (outcome === null) return this.#use(call, run, narrator)
    narrator.tellOutcome(call, outcome)
    return outcome
  }

  /** Carries out a call in the hands of the run's user. */
  async #use(call: Call, run: Run, narrator: Narrator): Promise<Outcome> {
    const context = { userId: run.userId, people: this.people, now: this.now }
    const outcome = await this.tools
      .call(call.toolName, call.input, context, run.signal)
      .catch((failure: AppError) => {
        run.signal.throwIfAborted()
        return failure
      })
    narrator.tellOutcome(call, outcome)
    return outcome
  }
}

/** What is known of a call without using a tool; null if it was approved. */
function answerTo({ answer }: PausedCall): Outcome | null {
  if (!answer) throw new Error('a call that waits was taken up')
  if ('result' in answer)
    return answer.failed ? new AppError('tool_failed', { forModel: answer.result }) : shortened(answer.result)
  if (answer.approved) return null
  const forModel = `tool_denied: the user does not allow it. ${answer.reason ?? ''}`.trim()
  return new AppError('tool_denied', { forModel })
}

const modelOutputOf = (outcome: Outcome) =>
  outcome instanceof AppError
    ? { type: 'error-text' as const, value: toldToModel(outcome) }
    : { type: 'text' as const, value: outcome }

/** The calls of a step that wait for a person's word, or for the client's result. */
export function heldCalls(
  { toolCalls, toolResults, content }: StepResult<ToolSet>,
  clientTools: ClientTool[],
): PausedCall[] {
  const done = new Set(toolResults.map(({ toolCallId }) => toolCallId))
  const asking = new Set(
    content.flatMap(part => (part.type === 'tool-approval-request' ? [part.toolCall.toolCallId] : [])),
  )
  const isClients = ({ toolCallId, toolName, invalid }: Called) =>
    !invalid && !done.has(toolCallId) && clientTools.some(({ name }) => name === toolName)
  return toolCalls.flatMap(call => {
    if (asking.has(call.toolCallId)) return [held(call, 'approval')]
    return isClients(call) ? [held(call, 'client')] : []
  })
}

type Called = StepResult<ToolSet>['toolCalls'][number]

const held = ({ toolCallId, toolName, input }: Called, waitsFor: PausedCall['waitsFor']): PausedCall => ({
  id: Bun.randomUUIDv7(),
  toolCallId,
  toolName,
  input,
  waitsFor,
  answer: null,
})
