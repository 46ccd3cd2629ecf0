import { useChat } from '@ai-sdk/react'
import {
  DefaultChatTransport,
  getToolName,
  isToolUIPart,
  lastAssistantMessageIsCompleteWithApprovalResponses,
  type UIMessage,
} from 'ai'
import { type FormEvent, useState } from 'react'
import { api, authorizedFetch } from './session.ts'

const chats = `${api}/agent-chats/ui`
const addressOf = (id: string) => `${chats}/${encodeURIComponent(id)}`

const transport = new DefaultChatTransport<UIMessage>({
  api: chats,
  fetch: authorizedFetch,
  // The server has the rest of the chat.
  prepareSendMessagesRequest: ({ id, messages, trigger, messageId }) => ({
    body: { id, messages: messages.slice(-1), trigger, messageId },
  }),
})

/** What was said in the chat so far; nothing in one that has not begun. */
export async function loadChat(id: string): Promise<UIMessage[]> {
  const response = await authorizedFetch(addressOf(id))
  if (response.status === 404) return []
  const body = await response.json()
  if (!response.ok) throw new Error(body.detail)
  return body.messages
}

export function Chat({ id, initial }: { id: string; initial: UIMessage[] }) {
  const { messages, status, error, ...chat } = useChat({
    id,
    messages: initial,
    transport,
    // Reads on what is being said when the page was opened, or has lost its connection.
    resume: true,
    // Sends what the person has decided.
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
  })
  const last = messages.at(-1)
  const busy = status === 'submitted' || status === 'streaming'

  /** The chat's own stop only stops reading: the answer would go on. */
  async function stop() {
    await authorizedFetch(`${addressOf(id)}/stop`, { method: 'POST' })
    await chat.stop()
  }

  /** An answer that was begun has gone on without us, or has ended; a message may never have arrived. */
  async function tryAgain() {
    if (last?.role !== 'assistant') return chat.regenerate()
    chat.setMessages(await loadChat(id))
    await chat.resumeStream()
  }

  return (
    <main>
      {messages.map(message => (
        <Message key={message.id} message={message} answer={chat.addToolApprovalResponse} />
      ))}
      {error && (
        <p role="alert">
          {sentenceOf(error)}{' '}
          <button type="button" onClick={tryAgain}>
            Try again
          </button>
        </p>
      )}
      {status === 'ready' && last?.role === 'assistant' && (
        <button type="button" onClick={() => chat.regenerate()}>
          Answer again
        </button>
      )}
      {busy && (
        <button type="button" onClick={stop}>
          Stop
        </button>
      )}
      <Composer disabled={busy} say={text => chat.sendMessage({ text })} />
    </main>
  )
}

type Answer = (answer: { id: string; approved: boolean; reason?: string }) => void

function Message({ message, answer }: { message: UIMessage; answer: Answer }) {
  return (
    <article aria-label={message.role}>
      {message.parts.map((part, index) => {
        const key = `${message.id} ${index}`
        if (part.type === 'text') return <p key={key}>{part.text}</p>
        if (part.type === 'reasoning') return <small key={key}>{part.text}</small>
        if (isToolUIPart(part)) return <ToolCall key={part.toolCallId} part={part} answer={answer} />
        return null
      })}
    </article>
  )
}

type ToolPart = Extract<UIMessage['parts'][number], { toolCallId: string }>

function ToolCall({ part, answer }: { part: ToolPart; answer: Answer }) {
  const name = getToolName(part)
  switch (part.state) {
    case 'approval-requested': {
      const { id } = part.approval
      return (
        <fieldset>
          <legend>May {name} be used?</legend>
          <code>{JSON.stringify(part.input)}</code>
          <button type="button" onClick={() => answer({ id, approved: true })}>
            Yes
          </button>
          <button type="button" onClick={() => answer({ id, approved: false })}>
            No
          </button>
        </fieldset>
      )
    }
    case 'output-available':
      return <p>{name}: done</p>
    case 'output-denied':
      return <p>{name}: not allowed</p>
    case 'output-error':
      return (
        <p>
          {name}: {part.errorText}
        </p>
      )
    default:
      return <p>{name} …</p>
  }
}

function Composer({ disabled, say }: { disabled: boolean; say: (text: string) => void }) {
  const [text, setText] = useState('')
  function submit(event: FormEvent) {
    event.preventDefault()
    say(text)
    setText('')
  }
  return (
    <form onSubmit={submit}>
      <input aria-label="Message" value={text} onChange={event => setText(event.target.value)} />
      <button type="submit" disabled={disabled || text === ''}>
        Send
      </button>
    </form>
  )
}

/** A failure of the answer is a sentence; one of the request itself is a problem document (RFC 9457). */
function sentenceOf({ message }: Error): string {
  try {
    return JSON.parse(message).detail
  } catch {
    return message
  }
}
