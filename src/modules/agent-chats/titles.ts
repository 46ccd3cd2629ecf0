/** Titles of chats: the beginning of the message at first, then the model's, and the person's in any case. */
import type { Config } from '../../config.ts'
import { log, reason } from '../../log.ts'
import type { TokenUsage } from '../usage/service.ts'
import type { Agent } from './agent.ts'
import type { ChatStore } from './chat-store.ts'
import type { Run } from './run.ts'

/** In characters. */
const beginningLength = 60
const timeLimitMs = 20_000

export class Titles {
  readonly #stop = new AbortController()
  readonly #asking = new Set<Promise<void>>()

  constructor(
    private readonly store: Pick<ChatStore, 'toBeNamed' | 'name'>,
    private readonly agent: () => Promise<Agent>,
    private readonly usage: Pick<TokenUsage, 'check' | 'count'>,
    private readonly config: Pick<Config, 'AGENT_TITLES'>,
  ) {}

  /** Asks the model for a title, if this was the chat's first whole answer. Nobody waits for it. */
  afterAnswer(run: Run): void {
    // It has nothing to say about conversations.
    if (this.config.AGENT_TITLES === 'message' || run.model === 'demo' || this.#stop.signal.aborted) return
    const asking = this.#name(run)
      .catch(error =>
        log.warn('the chat of the run {id} got no title: {why}', { id: run.id, why: reason(error) }),
      )
      .finally(() => this.#asking.delete(asking))
    this.#asking.add(asking)
  }

  async #name({ id, chatId, userId, model, output }: Run): Promise<void> {
    const question = await this.store.toBeNamed(chatId, id)
    if (question === null) return
    this.usage.check(userId)
    const { entitle } = await this.agent()
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(timeLimitMs)])
    const { title, why, usage } = await entitle(model, { question, answer: output }, signal)
    await this.usage.count(userId, model, usage)
    if (title) await this.store.name(chatId, title)
    else if (!this.#stop.signal.aborted) throw new Error(why ?? '')
  }

  /** Breaks off what is asked for; the chats keep the titles they have. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#asking)
  }
}

/** The beginning of a text as a title; null where there is none. */
export function beginningOf(text: string): string | null {
  const characters = [...text.trim().replace(/\s+/g, ' ')]
  if (characters.length <= beginningLength) return characters.join('') || null
  const beginning = characters.slice(0, beginningLength).join('')
  // No word is cut where there are spaces between them.
  const lastSpace = beginning.lastIndexOf(' ')
  return `${lastSpace > beginningLength / 2 ? beginning.slice(0, lastSpace) : beginning}…`
}
