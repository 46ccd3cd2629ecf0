/** What of a chat the model gets to see. */
import type { ModelMessage, UserModelMessage } from 'ai'

/**
 * The context of a new message: whole turns of the chat, then the message. A turn is a message of the user
 * with all that was answered to it, so that no tool call is parted from its result.
 * @param newest the chat's newest messages, cut off anywhere
 */
export const contextOf = (newest: ModelMessage[], message: ModelMessage): ModelMessage[] =>
  joinUserMessages([...wholeTurns(newest), message])

/** Without the end of a turn whose beginning is missing. */
function wholeTurns(messages: ModelMessage[]): ModelMessage[] {
  const start = messages.findIndex(({ role }) => role === 'user')
  return start < 0 ? [] : messages.slice(start)
}

/**
 * A message that got no answer, its run having failed, is joined to the one after it: some models' templates
 * refuse two messages of the user in a row.
 */
function joinUserMessages(messages: ModelMessage[]): ModelMessage[] {
  const joined: ModelMessage[] = []
  for (const message of messages) {
    const before = joined.at(-1)
    if (message.role === 'user' && before?.role === 'user')
      joined[joined.length - 1] = { role: 'user', content: `${textOf(before)}\n\n${textOf(message)}` }
    else joined.push(message)
  }
  return joined
}

/** The text of a user's message. */
export const textOf = ({ content }: UserModelMessage): string =>
  typeof content === 'string'
    ? content
    : content.map(part => (part.type === 'text' ? part.text : '')).join('\n\n')
