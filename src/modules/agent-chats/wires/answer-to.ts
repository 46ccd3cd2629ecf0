/** In which form a request wants its run: as events while it goes on, or in one answer at its end. */
import Negotiator from 'negotiator'
import { localeOf } from '../../../http/locale.ts'
import type { Locale } from '../../../texts/index.ts'
import type { Run } from '../run.ts'
import type { AnswerView } from '../schema.ts'
import { jsonAnswer } from './json.ts'
import { sseWire } from './sse.ts'
import { eventStream } from './stream.ts'

type Sessions = { isAlive(sessionId: string): boolean }
type Asking = { request: Request; caller: { sessionId: string }; set: { headers: Record<string, unknown> } }

export type AnswerTo = ReturnType<typeof answering>

export function answering(sessions: Sessions, fallback: Locale) {
  const live = (caller: Asking['caller']) => () => sessions.isAlive(caller.sessionId)

  function streamTo({ request, caller }: Asking, run: Run, after: number, wireOf = sseWire): Response {
    const locale = localeOf(request, fallback)
    const reading = { run, wire: wireOf(run, locale), isAlive: live(caller), after }
    const headers = { 'content-language': locale, vary: 'Accept, Accept-Language' }
    return eventStream(reading, headers, request.method === 'HEAD')
  }

  return {
    /** The contract's: JSON, or server-sent events where Accept prefers them. */
    answer(asking: Asking, started: Promise<Run>): Promise<Response> | Promise<AnswerView> {
      const { request, caller, set } = asking
      if (wantsStream(request)) return started.then<Response>(run => streamTo(asking, run, run.legStart))
      const locale = localeOf(request, fallback)
      set.headers['content-language'] = locale
      set.headers.vary = [set.headers.vary, 'Accept, Accept-Language'].filter(Boolean).join(', ')
      return started.then<AnswerView>(run => jsonAnswer(run, locale, live(caller)))
    },

    /** What comes after a place, as server-sent events; 204, at which an EventSource gives up, where nothing will. */
    resume(asking: Asking, run: Run, after: number): Response {
      const { transcript } = run
      if (transcript.ended && after >= transcript.length) return new Response(null, { status: 204 })
      return streamTo(asking, run, after)
    },

    /** What comes after a place, in a wire format of its own. */
    stream: streamTo,

    locale: (request: Request) => localeOf(request, fallback),
    isAlive: live,
  }
}

export const wantsStream = (request: Request): boolean => {
  // Of parameters only the weight counts here.
  const accept = (request.headers.get('accept') ?? '*/*').replace(/;\s*(?!q=)[^;,]*/gi, '')
  return (
    new Negotiator({ headers: { accept } }).mediaType(['application/json', 'text/event-stream']) ===
    'text/event-stream'
  )
}
