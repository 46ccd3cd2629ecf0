import { mailSeconds } from '../limits.ts'
import type { MailOrder } from '../modules/auth/mails/index.ts'
import type { OutboxStore, QueuedMail } from '../modules/auth/outbox.ts'
import type { Secrets } from '../secrets.ts'
import type { Database } from './database.ts'

type OutboxRow = { id: number; sealed: Uint8Array; tries: number; due_at: number; expires_at: number }

/** Rows are sealed, since mails hold codes and addresses: whoever reads the file learns none. */
export function outboxStore(database: Database, secrets: Secrets): OutboxStore & { enqueue: Enqueue } {
  const next = database.prepare<OutboxRow, [number]>('SELECT * FROM outbox ORDER BY due_at, id LIMIT ?')
  const insert = database.prepare<null, [Uint8Array, number, number]>(
    'INSERT INTO outbox (sealed, due_at, expires_at) VALUES (?, ?, ?)',
  )
  const remove = database.prepare<null, [number]>('DELETE FROM outbox WHERE id = ?')
  const postpone = database.prepare<null, [number, number]>(
    'UPDATE outbox SET tries = tries + 1, due_at = ? WHERE id = ?',
  )

  return {
    enqueue(order, now) {
      const seconds = mailSeconds[order?.template ?? 'sign_up_code']
      insert.run(seal(secrets, order), now, now + seconds * 1000)
    },
    async next(limit) {
      return next.all(limit).map(row => queuedMail(secrets, row))
    },
    async done(id) {
      await database.write(() => remove.run(id))
    },
    async failed(id, dueAt) {
      await database.write(() => postpone.run(dueAt, id))
    },
  }
}

/**
 * Puts a mail into the outbox within the step that is running (Database.write). Null puts a decoy there,
 * which does the same work and is never sent.
 */
export type Enqueue = (order: MailOrder | null, now: number) => void

/** Filled up with spaces, which JSON ignores, so that a decoy is as long as a mail. */
function seal(secrets: Secrets, order: MailOrder | null): Uint8Array {
  const text = JSON.stringify(order)
  return secrets.seal('outbox', text.padEnd(Math.ceil(text.length / 512) * 512))
}

const queuedMail = (secrets: Secrets, row: OutboxRow): QueuedMail => ({
  id: row.id,
  messageId: new Bun.CryptoHasher('sha256').update(row.sealed).digest('hex').slice(0, 32),
  order: open(secrets, row.sealed),
  tries: row.tries,
  dueAt: row.due_at,
  expiresAt: row.expires_at,
})

function open(secrets: Secrets, sealed: Uint8Array): QueuedMail['order'] {
  try {
    return (JSON.parse(secrets.open('outbox', sealed)) as MailOrder | null) ?? 'decoy'
  } catch {
    return 'unreadable'
  }
}
