/** The log: one readable line an event, on standard output. Never a secret, a code or a token. */
import { configureSync, getLogger, getTextFormatter, type LogLevel } from '@logtape/logtape'

/** Lines are gathered within a turn of the event loop and written with one call. */
export function startLog(level: LogLevel): void {
  const format = getTextFormatter({
    timestamp: 'rfc3339',
    level: 'full',
    category: () => '',
    value: 'bare',
    format: line,
  })
  // The stream that Node has for it would be a twentieth of the start.
  const out = Bun.stdout.writer()
  let waiting = ''
  const flush = () => {
    const lines = waiting
    waiting = ''
    try {
      out.write(lines)
      Promise.resolve(out.flush()).catch(nobodyReads)
    } catch {
      nobodyReads()
    }
  }
  configureSync({
    reset: true,
    sinks: {
      stdout: record => {
        if (!waiting) setImmediate(flush)
        waiting += format(record)
      },
    },
    loggers: [
      { category: 'parley', sinks: ['stdout'], lowestLevel: level },
      { category: ['logtape', 'meta'], sinks: ['stdout'], lowestLevel: 'error' },
    ],
  })
}

const line = ({ timestamp, level, message }: { timestamp: string | null; level: string; message: string }) =>
  `${timestamp} ${level.padEnd(7)} ${message}`

/** Whoever read it has gone; the server has not. */
const nobodyReads = () => {}

export const log = getLogger('parley')

/** A failure in one line for the log: names and messages down the chain of causes. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : ` (because ${reason(error.cause)})`
  return `${error.name}: ${error.message}${cause}`
}
