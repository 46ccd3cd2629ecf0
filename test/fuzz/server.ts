/** The executable in a process of its own, behind a proxy that is believed, with a model that answers at once. */
import { expect } from 'bun:test'
import { startExecutable, tidy } from '../harness/executable.ts'
import { startModel } from '../harness/model.ts'

export type Server = Awaited<ReturnType<typeof startServer>>

export async function startServer() {
  const model = await startModel()
  model.says('', { content: 'Yes.' })
  const env = { ...model.environment('chat'), MAIL: 'log', TRUST_PROXY: '1', AGENT_MAX_RUNS: '1000' }
  const server = await startExecutable({ env })
  let clients = 0
  let read = 0
  return {
    ...server,
    /** An X-Forwarded-For that nobody has used: no limit has been reached for it. */
    nobody: () => `100.${64 + (++clients >> 16)}.${(clients >> 8) & 255}.${clients & 255}`,
    /** It answers, and has logged no error since this was last asked. */
    async expectToBeWell() {
      expect((await server.call('GET', '/health')).status).toBe(200)
      const output = server.output()
      const errors = output.slice(read).match(/^\S+ (error|fatal) .*/gm)
      read = output.length
      expect(errors).toBeNull()
    },
    async stop() {
      await server.kill()
      await tidy()
      await model.stop()
    },
  }
}
