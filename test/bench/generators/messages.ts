/**
 * Fills the database of a data folder with so many messages of the people who are in it, by the steps in which the
 * product keeps a run. They talk in turn, so that what one has said lies among what all have. Prints the chats of
 * those whose ids it is given, as JSON.
 */
import { join } from 'node:path'
import { Database } from '../../../src/database/database.ts'
import { runStore } from '../../../src/database/run-store.ts'
import { answerOf } from '../../../src/modules/agent-chats/answer.ts'
import type { RunEvent } from '../../../src/modules/agent-chats/events.ts'
import { beginningOf } from '../../../src/modules/agent-chats/titles.ts'
import { dayOf, noUsage } from '../../../src/modules/usage/tokens.ts'
import { type Chats, isAlone, isRare, messagesEach, rareWord } from '../messages.ts'

type Talker = { id: string; chats: Chats }
type Run = { runId: string; chatId: string; userId: string; answerId: string; now: number }

/** Many steps as one: to commit each takes twice as long. */
class Steps extends Database {
  override write<T>(step: () => T): Promise<T> {
    return Promise.resolve(step())
  }

  asOne(steps: () => void): Promise<void> {
    return super.write(steps)
  }
}

const perCommit = 20_000
const began = Date.now() - 30 * 24 * 60 * 60 * 1000
const span = Date.now() - began
const usage = { ...noUsage(), inputTokens: 20, outputTokens: 40 }

const [dataDir, messages, wanted] = Bun.argv.slice(2) as [string, string, string]
const runs = +messages / 2
const database = new Steps(join(dataDir, 'parley.db'))
// As with people, what is written lies all over.
database.prepare('PRAGMA cache_size = -1000000').get()
const store = runStore(database)
const vocabulary = Array.from({ length: 2000 }, (_, i) => `w${Bun.hash(String(i)).toString(36).slice(0, 6)}`)
const talkers = evenly(+messages / messagesEach)
const heads = new Map<string, string>()

for (let from = 0; from < runs; from += perCommit) {
  if (from > 0) console.error(`   ${(2 * from).toLocaleString('en')} messages`)
  await database.asOne(() => {
    for (let i = from; i < Math.min(runs, from + perCommit); i++)
      say(talkers[i % talkers.length]!, Math.floor(i / talkers.length), Math.floor(began + (i / runs) * span))
  })
}
database.close()
const chatsOf = new Map(talkers.map(({ id, chats }) => [id, chats]))
console.log(JSON.stringify((JSON.parse(wanted) as string[]).map(id => chatsOf.get(id)!)))

/** Those who are wanted were chosen as evenly. */
function evenly(count: number): Talker[] {
  const ids = database.prepare<{ id: string }>('SELECT id FROM users ORDER BY id').all()
  const step = ids.length / count
  return Array.from({ length: count }, (_, i) => ({ id: ids[i * step]!.id, chats: { long: '', short: [] } }))
}

function say({ id: userId, chats }: Talker, turn: number, now: number): void {
  const chatId = chatFor(chats, turn, now)
  const run = { runId: idAt(now), chatId, userId, answerId: idAt(now), now }
  begin(run, `${isRare(turn) ? `${rareWord} ` : ''}${words(8)}`)
  end(run, words(24))
  heads.set(chatId, run.answerId)
}

function chatFor(chats: Chats, turn: number, now: number): string {
  if (isAlone(turn)) chats.short.push(idAt(now))
  else chats.long ||= idAt(now)
  return isAlone(turn) ? chats.short.at(-1)! : chats.long
}

function begin(run: Run, content: string): void {
  const messageId = idAt(run.now)
  const start = { ...run, model: 'bench', key: null, attachments: [], attachmentRoom: 0 }
  store.beginRun(start, {
    messageId,
    message: { id: messageId, message: { role: 'user', content } },
    parentId: heads.get(run.chatId) ?? null,
    title: { text: beginningOf(content)!, isForNow: true },
  })
}

function end(run: Run, text: string): void {
  const events = eventsOf(run.answerId, text)
  const spent = [{ ...usage, day: dayOf(run.now), model: 'bench' }]
  const ending = { status: 'finished', errorCode: null, paused: null } as const
  store.endRun({ ...run, ...ending, events, answer: answerOf(events), usage, spent })
}

function eventsOf(messageId: string, text: string): RunEvent[] {
  return [
    { type: 'RUN_STARTED' },
    { type: 'TEXT_MESSAGE_START', messageId },
    { type: 'TEXT_MESSAGE_CONTENT', of: messageId, text },
    { type: 'TEXT_MESSAGE_END', messageId },
    { type: 'RUN_FINISHED' },
  ]
}

function idAt(now: number): string {
  return Bun.randomUUIDv7('hex', now)
}

/** Some are said more often than others. */
function words(count: number): string {
  const any = () => vocabulary[Math.floor(Math.random() ** 2 * vocabulary.length)]
  return Array.from({ length: count }, any).join(' ')
}
