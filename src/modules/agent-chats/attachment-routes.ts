import { Elysia } from 'elysia'
import { AppError } from '../../errors.ts'
import type { Guard } from '../../http/guard.ts'
import { describe, problems } from '../../http/openapi.ts'
import { type AttachmentStore, isImage, type KeptAttachment } from './attachments/attachment.ts'
import { attachmentParams, fileBytes } from './schema.ts'

/** Attachments, to be looked at again. */
export const attachmentRoutes = (attachments: AttachmentStore, guard: Guard) =>
  new Elysia({ prefix: '/api/v1/agent-chats', tags: ['Agent Chat'] }).use(guard).get(
    '/:session_id/attachments/:attachment_id',
    async ({ caller, params }) => {
      const [chatId, id] = [params.session_id.toLowerCase(), params.attachment_id.toLowerCase()]
      const attachment = await attachments.attachment(caller.userId, chatId, id)
      if (!attachment) throw new AppError('attachment_not_found')
      return download(attachment)
    },
    {
      signedIn: true,
      params: attachmentParams,
      response: {
        200: fileBytes,
        ...problems('unauthenticated', 'attachment_not_found', 'invalid_request'),
      },
      detail: {
        files: ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'text/plain'],
        ...describe('getAttachment', 'An attachment', 'The file, under the type that its bytes are of.'),
      },
    },
  )

/** Whatever it is, it runs nowhere: neither in a page of this origin, nor as one. */
function download({ name, mediaType, pieces }: KeptAttachment): Response {
  const disposition = isImage({ mediaType }) ? 'inline' : 'attachment'
  return new Response(pieces() as unknown as ReadableStream, {
    headers: {
      'content-type': mediaType === 'text/plain' ? 'text/plain; charset=utf-8' : mediaType,
      'content-disposition': `${disposition}; filename*=UTF-8''${encoded(name)}`,
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
      // It never changes, but is not everybody's.
      'cache-control': 'private, max-age=31536000, immutable',
      vary: 'Authorization',
    },
  })
}

/** Of the characters that URLs leave as they are, RFC 8187 (3.2.1) does not take all. */
const encoded = (name: string) =>
  encodeURIComponent(name).replace(/['()*]/g, character => `%${character.charCodeAt(0).toString(16)}`)
