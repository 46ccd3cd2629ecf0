/** The AI SDK's own client, as an app has it: a chat without a page. */
import { Chat } from '@ai-sdk/react'
import {
  type ChatInit,
  DefaultChatTransport,
  type HttpChatTransportInitOptions,
  isToolUIPart,
  type UIMessage,
} from 'ai'

type Options = ChatInit<UIMessage> & { transportOptions?: HttpChatTransportInitOptions<UIMessage> }

export type UiChat = ReturnType<typeof openUiChat>

export function openUiChat(url: string, token: string, { transportOptions, ...options }: Options = {}) {
  const transport = new DefaultChatTransport<UIMessage>({
    api: `${url}/api/v1/agent-chats/ui`,
    headers: { authorization: `Bearer ${token}` },
    ...transportOptions,
  })
  const chat = new Chat<UIMessage>({ transport, ...options })
  /** Resolves when it holds. */
  const until = async (holds: () => boolean) => {
    while (!holds()) await Bun.sleep(2)
  }
  return Object.assign(chat, { until })
}

/** The text of the message, its parts parted by a bar. */
export const textOf = (message: UIMessage | undefined): string =>
  (message?.parts ?? []).flatMap(part => (part.type === 'text' ? [part.text] : [])).join('|')

export const partsOf = (message: UIMessage | undefined): string[] =>
  (message?.parts ?? []).map(part => (isToolUIPart(part) ? `${part.type} ${part.state}` : part.type))

export const toolIn = (message: UIMessage | undefined) => message?.parts.filter(isToolUIPart).at(-1)
