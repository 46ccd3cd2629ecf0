/** The contract's own wire: an event of its shape a frame, its place as the frame's id. */
import { AppError } from '../../../errors.ts'
import type { Locale } from '../../../texts/index.ts'
import type { Run } from '../run.ts'
import { frame, type Wire } from './stream.ts'
import { viewOf } from './view.ts'

export function sseWire(run: Run, locale: Locale): Wire {
  const view = (event: Parameters<typeof viewOf>[0]) => viewOf(event, run, locale)
  let open: string | null = null
  return {
    event(event, id) {
      if (event.type === 'TEXT_MESSAGE_START') open = event.messageId
      if (event.type === 'TEXT_MESSAGE_END') open = null
      return frame(view(event), id)
    },
    signedOut() {
      const end = open === null ? '' : frame(view({ type: 'TEXT_MESSAGE_END', messageId: open }))
      return end + frame(view({ type: 'RUN_ERROR', failure: new AppError('unauthenticated').failure }))
    },
  }
}
