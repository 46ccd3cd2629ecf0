/**
 * Mails on their way. A mail is kept in the same step as what causes it and sent afterwards, so no request
 * waits for SMTP and nothing accepted is lost. It goes out at least once; once more only where the process
 * or the connection died between the server's taking it and our noting that.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Mailer, MailRejected } from '../../adapters/mailer/mailer.ts'
import { log, reason } from '../../log.ts'
import { type MailOrder, render } from './mails/index.ts'

export type QueuedMail = {
  id: number
  /** Unique among all mails ever, and the same over all tries of this one. */
  messageId: string
  /** A decoy is never sent. Unreadable is what was sealed under a secret since changed. */
  order: MailOrder | 'decoy' | 'unreadable'
  tries: number
  dueAt: number
  expiresAt: number
}

export interface OutboxStore {
  /** Those that are due first, be it now or later, at most so many. */
  next(limit: number): Promise<QueuedMail[]>
  /** It is out, or never will be. */
  done(id: number): Promise<void>
  /** A try came to nothing; the next is due then. */
  failed(id: number, dueAt: number): Promise<void>
}

/** Done: its row can go. Given up: the outbox stops, and the row stays as it is. */
type Outcome = 'done' | 'given up' | { dueAt: number }

/** A slow mail holds one of these places, not the others. */
const atOnce = 5
const longestPauseMs = 30_000

export class Outbox {
  readonly #inHand = new Map<number, Promise<void>>()
  readonly #givenUp = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #stopping = false
  #woken = false
  #endPause = () => {}

  constructor(
    private readonly store: OutboxStore,
    private readonly mailer: Mailer,
    private readonly now: () => number = Date.now,
  ) {}

  /** Begins with what was left by the last run. */
  start(): void {
    this.#running = this.#run()
  }

  /** Call it when a mail has been kept. */
  wake(): void {
    this.#woken = true
    this.#endPause()
  }

  /** Lets the mails in hand end, at most so long; what is not out by then waits for the next start. */
  async stop(withinMs = 10_000): Promise<void> {
    this.#stopping = true
    this.wake()
    const timer = setTimeout(() => this.#givenUp.abort(), withinMs)
    await this.#running
    await Promise.all(this.#inHand.values())
    clearTimeout(timer)
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      this.#woken = false
      await this.#pause(await this.#startDue())
    }
  }

  /** Takes what is due into the free places; says how long there is nothing more to do. */
  async #startDue(): Promise<number> {
    // Taken before the look: one that ends meanwhile may still be seen in the store.
    const busy = new Set(this.#inHand.keys())
    const waiting = await this.#look(busy)
    const now = this.now()
    for (const mail of waiting.filter(mail => isDue(mail, now)).slice(0, atOnce - busy.size))
      if (!this.#stopping) this.#take(mail)
    const later = waiting.find(mail => !isDue(mail, now))
    return Math.min(later ? later.dueAt - now : longestPauseMs, longestPauseMs)
  }

  async #look(busy: Set<number>): Promise<QueuedMail[]> {
    try {
      // All in hand may be among them; one more than there are places shows what comes after.
      const next = await this.store.next(atOnce + 1)
      return next.filter(({ id }) => !busy.has(id))
    } catch (error) {
      log.error('the outbox could not be read: {reason}', { reason: reason(error) })
      return []
    }
  }

  async #pause(ms: number): Promise<void> {
    if (this.#woken) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, ms)
    this.#endPause = resolve
    await promise
    clearTimeout(timer)
  }

  #take(mail: QueuedMail): void {
    const ended = this.#deliver(mail).finally(() => {
      this.#inHand.delete(mail.id)
      this.wake()
    })
    this.#inHand.set(mail.id, ended)
  }

  async #deliver(mail: QueuedMail): Promise<void> {
    const outcome = await this.#attempt(mail)
    if (outcome === 'given up') return
    await this.#note(() =>
      outcome === 'done' ? this.store.done(mail.id) : this.store.failed(mail.id, outcome.dueAt),
    )
  }

  async #attempt({ order, messageId, tries, expiresAt }: QueuedMail): Promise<Outcome> {
    if (order === 'decoy') return 'done'
    if (order === 'unreadable') {
      log.warn('a mail was dropped: it was sealed under another secret')
      return 'done'
    }
    if (expiresAt <= this.now()) {
      const to = masked(order.to)
      log.warn('the mail to {to} was dropped: it expired after {tries} tries', { to, tries })
      return 'done'
    }
    try {
      await this.mailer.send(render(order), { id: messageId, signal: this.#givenUp.signal })
      return 'done'
    } catch (error) {
      return this.#givenUp.signal.aborted ? 'given up' : this.#afterFailure(error, order, tries)
    }
  }

  #afterFailure(error: unknown, order: MailOrder, tries: number): Outcome {
    const to = masked(order.to)
    const why = withoutSecrets(reason(error), order)
    if (error instanceof MailRejected) {
      log.warn('the mail to {to} was dropped: {why}', { to, why })
      return 'done'
    }
    const pause = backOff(tries)
    const seconds = Math.ceil(pause / 1000)
    log.warn('the mail to {to} is not out, next try in {seconds} s: {why}', { to, seconds, why })
    return { dueAt: this.now() + pause }
  }

  /** What became of a mail is noted even if the disk is full just now: forgotten, it would go out again. */
  async #note(step: () => Promise<void>): Promise<void> {
    const { signal } = this.#givenUp
    for (let tries = 0; ; tries++) {
      try {
        return await step()
      } catch (error) {
        log.error('the outbox could not be written: {reason}', { reason: reason(error) })
        if (signal.aborted) return
        await sleep(backOff(tries), undefined, { signal }).catch(() => {})
      }
    }
  }
}

const longestBackOffMs = 300_000

/** Milliseconds until the next try: 1 s, 2 s, 4 s and so on to 5 min, each less up to a half, so that tries spread. */
export const backOff = (tries: number, random = Math.random()): number =>
  Math.round(Math.min(1000 * 2 ** tries, longestBackOffMs) * (1 - random / 2))

/** No mail waits longer than the longest back-off: one that seems to was kept before the clock was set back. */
const isDue = ({ dueAt }: QueuedMail, now: number): boolean => dueAt <= now || dueAt > now + longestBackOffMs

const masked = (email: string): string => email.replace(/^(.).*(?=@)/su, '$1***')

/** Servers quote what they refuse. */
function withoutSecrets(text: string, { to, params }: MailOrder): string {
  const unnamed = text.replaceAll(to, masked(to))
  return 'code' in params ? unnamed.replaceAll(params.code, '******') : unnamed
}
