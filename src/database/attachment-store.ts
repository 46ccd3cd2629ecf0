import type {
  Attachment,
  AttachmentPart,
  AttachmentStore,
  KeptAttachment,
} from '../modules/agent-chats/attachments/attachment.ts'
import type { ChatMessage, RunStart } from '../modules/agent-chats/store.ts'
import type { Database } from './database.ts'

/** Whole groups of base64. */
const pieceBytes = 3 * 64 * 1024

export function attachmentStore(database: Database): AttachmentStore {
  const byId = database.prepare<Omit<KeptAttachment, 'pieces'>, [string, string, string]>(
    `SELECT a.name, a.type AS mediaType, a.bytes FROM attachments a JOIN chats c ON c.id = a.chat_id
     WHERE c.user_id = ? AND a.chat_id = ? AND a.id = ?`,
  )
  const piece = database.prepare<{ data: Uint8Array<ArrayBuffer> }, [string, string, number]>(
    'SELECT data FROM attachment_pieces WHERE chat_id = ? AND id = ? AND place = ?',
  )

  async function* pieces(chatId: string, id: string) {
    for (let place = 0, row = piece.get(chatId, id, place); row; row = piece.get(chatId, id, ++place))
      yield row.data
  }

  return {
    async attachment(userId, chatId, id) {
      const kept = byId.get(userId, chatId, id)
      return kept && { ...kept, pieces: () => pieces(chatId, id) }
    },
  }
}

/** Those that a message names. */
export const attachmentsOf = ({ role, content }: ChatMessage): AttachmentPart[] =>
  role !== 'user' || typeof content === 'string' ? [] : content.filter(part => part.type === 'attachment')

/** Whether there is room for what comes. */
export function attachmentRoom(database: Database) {
  const taken = database.prepare<{ bytes: number }, [string]>(
    `SELECT total(a.bytes) AS bytes FROM chats c JOIN attachments a ON a.chat_id = c.id WHERE c.user_id = ?`,
  )
  return ({
    userId,
    attachments,
    attachmentRoom,
  }: Pick<RunStart, 'userId' | 'attachments' | 'attachmentRoom'>): boolean =>
    attachments.length === 0 ||
    attachments.reduce((sum, { bytes }) => sum + bytes, taken.get(userId)!.bytes) <= attachmentRoom
}

/** Keeps them within the step that is running. */
export function addAttachments(database: Database): (chatId: string, attachments: Attachment[]) => void {
  const insert = database.prepare('INSERT INTO attachments VALUES ($chatId, $id, $name, $mediaType, $bytes)')
  const insertPiece = database.prepare('INSERT INTO attachment_pieces VALUES ($chatId, $id, $place, $data)')
  return (chatId, attachments) => {
    for (const { id, name, mediaType, bytes, data } of attachments) {
      insert.run({ chatId, id, name, mediaType, bytes })
      for (let place = 0; place * pieceBytes < bytes; place++) {
        const piece = data.subarray(place * pieceBytes, (place + 1) * pieceBytes)
        insertPiece.run({ chatId, id, place, data: piece })
      }
    }
  }
}
