import type { ChatMessage } from '../modules/agent-chats/store.ts'

/** What a message says in words; a tool says nothing. */
export function textOf({ content }: ChatMessage): string {
  if (typeof content === 'string') return content
  return content.map(part => (part.type === 'text' ? part.text : '')).join('')
}
