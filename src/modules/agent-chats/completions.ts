/** Chat Completions in front of the agent: whoever speaks them keeps the conversation, and sends it whole each time. */
import { AppError } from '../../errors.ts'
import { received, type SentFile } from './attachments/receiving.ts'
import { clientToolsOf } from './client-tools.ts'
import { between, type Conversations, type Turn } from './conversation.ts'
import type { CompletionRequest } from './openai-schema.ts'
import type { Run } from './run.ts'
import type { AgentChats } from './service.ts'

/** The name of the model for those who have no wish. */
export const anyModel = 'parley'

type Message = CompletionRequest['messages'][number]

export class Completions {
  constructor(
    private readonly chats: AgentChats,
    private readonly conversations: Conversations,
  ) {}

  /**
   * The run that answers the conversation's end: a message of the user, the same again, or results of the
   * client's tools. Throws invalid_request, call_not_found and what `send` throws.
   */
  async start(userId: string, { messages, model, tools = [] }: CompletionRequest): Promise<Run> {
    const instructions = messages.filter(isInstruction).map(textOf).join(between)
    const turns = turnsOf(messages)
    const [first] = turns
    if (first?.role !== 'user') throw notAnswerable()
    const chatId = this.chats.idOf(userId, `chat completions\0${instructions}\0${first.text}`)
    const results = resultsAtTheEnd(messages)
    if (results.length > 0) return this.#goOn(userId, chatId, results)

    const asked = turns.pop()!
    if (asked.role !== 'user') throw notAnswerable()
    const how = {
      model: model === anyModel ? undefined : model,
      instructions,
      clientTools: clientToolsOf(tools.map(tool => tool.function)),
    }
    // What is refused leaves nothing behind.
    this.chats.admit(userId, { ...how, content: asked.text, attachments: asked.attachments })
    const place = await this.conversations.placeOf({ userId, chatId }, turns)
    const before = await this.conversations.find(chatId, place, asked)
    return this.chats.send(userId, {
      chatId,
      ...(before
        ? { at: { kind: 'again', messageId: before } }
        : {
            at: { kind: 'below', messageId: place },
            content: asked.text,
            attachments: asked.attachments,
          }),
      ...how,
      // Two windows with the same beginning are one chat, but not one conversation.
      onConflict: 'enqueue',
    })
  }

  async #goOn(userId: string, chatId: string, results: Message[]): Promise<Run> {
    const waiting = await this.chats.waiting(userId, chatId)
    const answers = results.map(result => {
      const call = waiting?.paused?.calls.find(({ toolCallId }) => toolCallId === result.tool_call_id)
      if (!call) throw new AppError('call_not_found')
      return { id: call.id, answer: { result: textOf(result), failed: false } }
    })
    return this.chats.answerCalls(userId, chatId, waiting!.runId, answers)
  }
}

const isInstruction = ({ role }: Message) => role === 'system' || role === 'developer'

/** It must begin and end with a message of the user. */
const notAnswerable = () => new AppError('invalid_request', { pointer: '/body/messages' })

/** What the person said and was told, an answer of several messages joined. */
function turnsOf(messages: Message[]): Turn[] {
  const turns: Turn[] = []
  for (const [index, message] of messages.entries()) {
    const { role } = message
    const text = textOf(message)
    const last = turns.at(-1)
    if (role === 'user') turns.push({ role, text, attachments: received(filesIn(message, index)) })
    else if (role !== 'assistant' || !text) continue
    else if (last?.role === 'assistant') last.text += between + text
    else turns.push({ role, text, attachments: [] })
  }
  return turns
}

function filesIn({ content }: Message, index: number): SentFile[] {
  if (typeof content === 'string') return []
  return (content ?? []).flatMap(({ type, image_url, file }, place) => {
    if (type !== 'image_url' && type !== 'file') return []
    // A file that is kept at OpenAI is not here.
    const data = (type === 'image_url' ? image_url?.url : file?.file_data) ?? ''
    return [{ name: file?.filename, data, pointer: `/body/messages/${index}/content/${place}` }]
  })
}

function resultsAtTheEnd(messages: Message[]): Message[] {
  const start = messages.findLastIndex(({ role }) => role !== 'tool')
  return messages.slice(start + 1)
}

function textOf({ content }: Message): string {
  if (typeof content === 'string') return content
  return (content ?? []).map(({ text = '' }) => text).join('')
}
