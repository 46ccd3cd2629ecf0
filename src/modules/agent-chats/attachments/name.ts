import { attachmentRules } from '../../../limits.ts'
import type { AttachmentType } from './attachment.ts'

/** Control characters, and those that turn the direction of what follows: a name may not look like another. */
const unseen = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu

/** What a file is called by: without the folders of whoever sent it, and nothing that cannot be seen. */
export function nameOf(sent: string, type: AttachmentType): string {
  const base = sent.toWellFormed().replace(unseen, '').split(/[/\\]/).at(-1)!.trim()
  const name = [...base].slice(0, attachmentRules.nameLength).join('')
  return /^\.*$/.test(name) ? type.replace('/', '.').replace('text.plain', 'text.txt') : name
}
