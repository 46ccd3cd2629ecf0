/** A chat as the model is shown it: what there is room for, and of attachments what they hold. */
import type { ModelMessage } from 'ai'
import type { Config } from '../../config.ts'
import {
  type Attachment,
  type AttachmentPart,
  type AttachmentStore,
  isImage,
} from './attachments/attachment.ts'
import { showing } from './attachments/showing.ts'
import { contextBytes, contextOf, fitting } from './history.ts'
import type { ModelChoice } from './model-choice.ts'
import type { Run } from './run.ts'
import type { Context, UserMessage } from './store.ts'

type Chat = Pick<Run, 'userId' | 'chatId'>

export class Prompts {
  constructor(
    private readonly attachments: AttachmentStore,
    private readonly models: Pick<ModelChoice, 'takesImages'>,
    private readonly config: Pick<Config, 'AGENT_CONTEXT_TOKENS'>,
  ) {}

  /**
   * @param newest messages before the one asked, oldest first
   * @param coming its attachments, if they are not kept yet
   */
  async of(
    { userId, chatId, model }: Chat & Pick<Run, 'model'>,
    newest: Context['messages'],
    asked: UserMessage,
    coming: Attachment[] = [],
  ): Promise<ModelMessage[]> {
    const chat = { userId, chatId }
    const room = contextBytes(this.config) - Buffer.byteLength(JSON.stringify(asked))
    const { messages, shown } = fitting(newest, asked, room, this.models.takesImages(model))
    const texts = await this.#textsOf(chat, shown, coming)
    return contextOf(messages, asked, showing(chat, shown, texts))
  }

  async #textsOf(chat: Chat, shown: Set<AttachmentPart>, coming: Attachment[]): Promise<Map<string, string>> {
    const texts = new Map<string, string>()
    for (const part of shown) {
      if (isImage(part)) continue
      const bytes = coming.find(({ id }) => id === part.id)?.data ?? (await this.#kept(chat, part.id))
      texts.set(part.id, new TextDecoder().decode(bytes))
    }
    return texts
  }

  async #kept({ userId, chatId }: Chat, id: string): Promise<Uint8Array> {
    const kept = await this.attachments.attachment(userId, chatId, id)
    return Buffer.concat(kept ? await Array.fromAsync(kept.pieces()) : [])
  }
}
