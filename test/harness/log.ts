import { configureSync, type LogRecord, resetSync } from '@logtape/logtape'

/** Collects what is logged from now on, as text; `stop` ends that. */
export function captureLog() {
  const lines: string[] = []
  configureSync({
    reset: true,
    sinks: { lines: ({ message }: LogRecord) => lines.push(message.join('')) },
    loggers: [
      { category: 'parley', sinks: ['lines'], lowestLevel: 'debug' },
      { category: ['logtape', 'meta'], sinks: ['lines'], lowestLevel: 'error' },
    ],
  })
  return { lines, stop: resetSync }
}
