/** What the API reference says of POST /agent-chats. */
import { describe } from '../../http/openapi.ts'
import { exampleAnswer, exampleIds } from './example.ts'
import { messageForm } from './schema.ts'

export const sendMessage = {
  form: messageForm,
  ...describe(
    'sendMessage',
    'Send a message to the agent',
    `Runs the agent on a message, with the chat's earlier messages as its context. The answer comes when the run \
has ended. With \`Accept: text/event-stream\` its events are sent as they happen, one as the \`data\` of each \
frame. A frame's \`id\` rises, but not by one: it is a place in the run, and a slow reader gets several pieces \
of a text as one. A comment is sent where nothing else was for ten seconds. The last event is \`RUN_FINISHED\` \
or \`RUN_ERROR\`.

A run goes on, and is kept, when its reader leaves. One that fails is 502, 503 or 504 with \`session_id\` and \
the \`events\` so far as further members of the problem document, or a \`RUN_ERROR\` where the answer is a stream.`,
    exampleFrames(),
  ),
}

export const answerAgain = describe(
  'regenerate',
  'Answer a message again',
  'The answer that is there stays as a sibling. The new one comes as with a new message.',
  exampleFrames(),
)

export const followRun = describe(
  'followRun',
  'Follow a run',
  `Its events from the beginning, or from after \`Last-Event-ID\` or \`after\`, to its end: nothing is lost or \
doubled wherever the connection broke. A run that has ended is told again. 204 where nothing is left to tell.`,
  exampleFrames(),
)

export const sendUiMessage = describe(
  'sendUiMessage',
  'Send a message from useChat',
  `For the AI SDK's \`useChat\` with its \`DefaultChatTransport\`, whose \`api\` this is; the answer is its UI message \
stream, version 1. The chat is the server's: of what the client sends only the newest message is read, or its answers \
to calls that wait for approval. A message that is there already is answered again, and a changed one comes instead \
of the former. A run that fails once it has begun ends with the chunk \`error\`, a stopped one with \`abort\`. Files are \`file\` parts with data URLs. A body has at most 1 MiB beside them.`,
  exampleChunks(),
)

export const resumeUiStream = describe(
  'resumeUiStream',
  'Go on reading from useChat',
  'What is being answered in the chat, from its beginning. 204 where nothing is.',
  exampleChunks(),
)

export const getUiChat = describe(
  'getUiChat',
  'A chat for useChat',
  'What `useChat({ messages })` begins with: the newest 500 messages, calls that wait for approval among them. What is \
being said comes by the stream.',
)

export const stopUiChat = describe(
  'stopUiChat',
  'Stop a chat of useChat',
  "Ends what the chat is answering, or waits for; what was said stays. The client's own `stop` only stops reading.",
)

/** As wires/ui.ts sends them. */
function exampleChunks(): string {
  const id = exampleAnswer.events.at(-2)!.message_id!
  const chunks = [
    { type: 'start', messageId: id },
    { type: 'start-step' },
    { type: 'text-start', id },
    { type: 'text-delta', id, delta: exampleAnswer.output },
    { type: 'text-end', id },
    { type: 'finish-step' },
    { type: 'finish', finishReason: 'stop' },
  ]
  return [...chunks.map(chunk => JSON.stringify(chunk)), '[DONE]'].map(data => `data: ${data}\n\n`).join('')
}

export const runByAgUi = describe(
  'runByAgUi',
  'Run the agent for an AG-UI client',
  `For \`HttpAgent\` of \`@ag-ui/client\` 1.0 as it is: its \`url\` is this one, its \`headers\` bear the access \
token. The history is kept here; of \`messages\` the newest of the user is believed. A message that is there \
already is not answered twice: the rest of its answer comes, or, where that failed, a new one. The client's \
leaving stops nothing: \`RUN_STARTED\` bears the ids to stop or follow the run by as its \`metadata\`.

A tool that needs approval is an interrupt, which \`resume\` answers. A call of one of the client's \`tools\` ends \
the run as well; its result, a message of the role \`tool\`, lets it go on. What does not wait cannot be answered.`,
  agUiExample(),
)

function agUiExample(): string {
  const names = { threadId: 'thread-1', runId: 'run-1' }
  const messageId = exampleAnswer.events.find(({ type }) => type === 'TEXT_MESSAGE_START')?.message_id
  const events = [
    {
      type: 'RUN_STARTED',
      ...names,
      protocolVersion: '1.0',
      metadata: { sessionId: exampleIds.session_id, runId: exampleIds.run_id },
    },
    { type: 'TEXT_MESSAGE_START', messageId, role: 'assistant' },
    { type: 'TEXT_MESSAGE_CONTENT', messageId, delta: exampleAnswer.output },
    { type: 'TEXT_MESSAGE_END', messageId },
    { type: 'RUN_FINISHED', ...names, outcome: { type: 'success' } },
  ]
  return events.map(event => `data: ${JSON.stringify(event)}\n\n`).join('')
}

/** As wires/sse.ts sends them. */
export function exampleFrames(): string {
  let id = 0
  const frames = exampleAnswer.events.map(event => {
    id += (event.delta ?? event.args)?.length ?? 1
    return `id: ${id}\ndata: ${JSON.stringify(event)}\n\n`
  })
  return frames.join('')
}
