import { AppError, type ErrorCode } from '../../../errors.ts'
import { detailOf } from '../../../http/problem.ts'
import type { Locale } from '../../../texts/index.ts'
import type { AttachmentPart } from '../attachments/attachment.ts'
import type { ChatView, MessageView } from '../chat-schema.ts'
import type { KeptChat, PathMessage } from '../chat-store.ts'
import { attachmentsIn } from '../history.ts'
import type { ChatMessage } from '../store.ts'

const time = (ms: number) => new Date(ms).toISOString()

export const chatView = ({ id, title, createdAt, updatedAt, headId, run }: KeptChat): ChatView => ({
  id,
  title,
  created_at: time(createdAt),
  updated_at: time(updatedAt),
  head_message_id: headId,
  run,
})

/** A message as it was told by the run's events, under the same ids. */
export function messageView(kept: PathMessage, locale: Locale): MessageView {
  const { id, message, versions } = kept
  return {
    id,
    role: message.role as MessageView['role'],
    parent_id: kept.parentId,
    created_at: time(kept.createdAt),
    content: kept.text,
    attachments: attachmentsIn(message).map(attachmentView),
    tool_calls: callsOf(message),
    ...resultOf(message, locale),
    run_id: kept.runId || null,
    run_status: kept.runStatus,
    run_error: kept.runError && failureView(kept.runError, locale),
    version: versions.indexOf(id) + 1,
    siblings: versions.filter(version => version !== id),
  }
}

const attachmentView = ({ id, name, mediaType, bytes }: AttachmentPart) => ({
  id,
  name,
  type: mediaType,
  bytes,
})

const callsOf = ({ role, content }: ChatMessage): MessageView['tool_calls'] =>
  role !== 'assistant' || typeof content === 'string'
    ? []
    : content.flatMap(part =>
        part.type === 'tool-call'
          ? [{ id: part.toolCallId, name: part.toolName, args: JSON.stringify(part.input) }]
          : [],
      )

type Result = Pick<MessageView, 'tool_call_id' | 'tool_name' | 'result' | 'error'>

function resultOf({ role, content }: ChatMessage, locale: Locale): Result {
  const part = role === 'tool' ? content.find(({ type }) => type === 'tool-result') : undefined
  if (part?.type !== 'tool-result') return { tool_call_id: null, tool_name: null, result: null, error: null }
  const { toolCallId, toolName, output } = part
  const value = 'value' in output ? String(output.value) : ''
  const failed = output.type === 'error-text'
  return {
    tool_call_id: toolCallId,
    tool_name: toolName,
    result: failed ? null : value,
    error: failed ? failureView(value as ErrorCode, locale) : null,
  }
}

const failureView = (code: ErrorCode, locale: Locale) => ({
  code,
  detail: detailOf(new AppError(code).failure, locale),
})
