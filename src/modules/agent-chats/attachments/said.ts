import type { Config } from '../../../config.ts'
import type { UserMessage } from '../store.ts'
import { type AttachmentPart, isNew, partOf } from './attachment.ts'

/** A message; what its words are about comes before them. */
export const saying = (text: string, attachments: AttachmentPart[]): UserMessage => ({
  role: 'user',
  content:
    attachments.length === 0
      ? text
      : [
          ...attachments.map(part => (isNew(part) ? partOf(part) : part)),
          ...(text ? [{ type: 'text' as const, text }] : []),
        ],
})

/** Bytes that the attachments of a user may take in all. */
export const attachmentRoom = ({ AGENT_ATTACHMENTS_MIB }: Pick<Config, 'AGENT_ATTACHMENTS_MIB'>): number =>
  AGENT_ATTACHMENTS_MIB * 1024 * 1024 || Number.POSITIVE_INFINITY
