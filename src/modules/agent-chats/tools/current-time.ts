import { z } from 'zod'
import { defineTool } from './tool.ts'

export const currentTime = defineTool({
  name: 'current_time',
  description: 'The current date and time, in UTC or in the time zone asked for.',
  input: z.object({
    timezone: z
      .string()
      .max(64)
      .refine(isTimeZone, 'unknown time zone')
      .optional()
      .describe('IANA name, such as Asia/Shanghai; UTC if left out'),
  }),
  run({ timezone = 'UTC' }, { now }) {
    const date = new Date(now())
    const day = date.toLocaleDateString('en-US', { timeZone: timezone, weekday: 'long' })
    // Swedish writes dates as ISO 8601 does.
    return {
      utc: date.toISOString(),
      timezone,
      local: date.toLocaleString('sv-SE', { timeZone: timezone }),
      day,
    }
  },
})

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== null
  } catch {
    return false
  }
}
