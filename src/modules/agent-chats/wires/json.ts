import { AppError } from '../../../errors.ts'
import type { Locale } from '../../../texts/index.ts'
import type { Run } from '../run.ts'
import type { AnswerView } from '../schema.ts'
import { viewOf } from './view.ts'

/**
 * The whole run in one answer, when it has ended. A failure is thrown with the events so far as its members.
 * @param isAlive whether the reader is still signed in
 */
export async function jsonAnswer(run: Run, locale: Locale, isAlive: () => boolean): Promise<AnswerView> {
  await run.ended
  if (!isAlive()) throw new AppError('unauthenticated')
  const events = run.transcript.events.map(event => viewOf(event, run, locale))
  if (!run.failure) return { session_id: run.chatId, output: run.output, events }
  const { code, options } = run.failure
  throw new AppError(code, { ...options, members: { session_id: run.chatId, run_id: run.id, events } })
}
