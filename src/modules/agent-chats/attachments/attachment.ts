/** Files that a message brings along: images, and texts of any kind. */
export type AttachmentType = 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp' | 'text/plain'

/** What a message of a chat says of it. */
export type AttachmentPart = {
  type: 'attachment'
  id: string
  name: string
  mediaType: AttachmentType
  bytes: number
  /** Of its bytes: the same file, sent again, has the same. */
  hash: string
}

/** One that has just come. */
export type Attachment = AttachmentPart & {
  data: Uint8Array
  /** Where in the request. */
  pointer: string
}

export const isNew = (attachment: AttachmentPart): attachment is Attachment => 'data' in attachment

export const partOf = ({ data: _, pointer: __, ...part }: Attachment): AttachmentPart => part

/** Whether a message is sent with the files that it had. */
export const areSame = (kept: AttachmentPart[], sent: AttachmentPart[]): boolean =>
  kept.length === sent.length && kept.every(({ hash }, index) => hash === sent[index]!.hash)

export const isImage = ({ mediaType }: Pick<AttachmentPart, 'mediaType'>): boolean =>
  mediaType.startsWith('image/')

/** One that is kept; its bytes are read as they are needed. */
export type KeptAttachment = Pick<AttachmentPart, 'name' | 'mediaType' | 'bytes'> & {
  /** Each but the last a multiple of three bytes. */
  pieces: () => AsyncGenerator<Uint8Array<ArrayBuffer>>
}

export interface AttachmentStore {
  /** Null also where its chat is another's. */
  attachment(userId: string, chatId: string, id: string): Promise<KeptAttachment | null>
}
