import { AppError } from '../../../errors.ts'
import { detailOf } from '../../../http/problem.ts'
import type { Locale } from '../../../texts/index.ts'
import { tokensView } from '../../usage/views.ts'
import type { RunView } from '../schema.ts'
import type { RunState } from '../store.ts'
import { interruptView } from './view.ts'

/** How a run stands. */
export function runView(run: RunState, locale: Locale): RunView {
  const { usage, paused, errorCode } = run
  return {
    id: run.runId,
    session_id: run.chatId,
    status: run.status,
    model: run.model,
    message_id: run.messageId,
    answer_id: run.answerId,
    error: errorCode && {
      code: errorCode,
      detail: detailOf(new AppError(errorCode).failure, locale),
    },
    interrupts: (paused?.calls ?? []).filter(({ answer }) => answer === null).map(interruptView),
    usage: tokensView(usage),
    started_at: new Date(run.startedAt).toISOString(),
    ended_at: run.endedAt === null ? null : new Date(run.endedAt).toISOString(),
  }
}
