/** What the API reference says of POST /agent-chats. */
import { describe } from '../../http/openapi.ts'
import { exampleAnswer } from './example.ts'

export const sendMessage = describe(
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
)

export const answerAgain = describe(
  'regenerate',
  'Answer a message again',
  'The answer that is there stays as a sibling. The new one comes as with a new message.',
)

export const followRun = describe(
  'followRun',
  'Follow a run',
  `Its events from the beginning, or from after \`Last-Event-ID\` or \`after\`, to its end: nothing is lost or \
doubled wherever the connection broke. A run that has ended is told again. 204 where nothing is left to tell.`,
  exampleFrames(),
)

/** As wires/sse.ts sends them. */
function exampleFrames(): string {
  let id = 0
  const frames = exampleAnswer.events.map(event => {
    id += (event.delta ?? event.args)?.length ?? 1
    return `id: ${id}\ndata: ${JSON.stringify(event)}\n\n`
  })
  return frames.join('')
}
