/** The app in a process of its own, with a clock that can be put forward. */
import { join } from 'node:path'
import { startApp } from '../harness/app.ts'
import { client } from '../harness/client.ts'

export type TimedServer = Awaited<ReturnType<typeof startTimedServer>>

export async function startTimedServer() {
  let heard: (message: unknown) => void = () => {}
  const answer = () => new Promise<unknown>(resolve => (heard = resolve))
  const started = answer()
  const child = Bun.spawn([process.execPath, import.meta.path], {
    cwd: join(import.meta.dir, '../..'),
    ipc: message => heard(message),
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const { url, account } = (await started) as { url: string; account: string }
  return {
    ...client(url, { nextMail: () => Promise.reject(new Error('mails arrive in the other process')) }),
    /** The address of somebody who has an account. */
    account,
    async putForward(ms: number) {
      const done = answer()
      child.send(ms)
      await done
    },
    async stop() {
      child.kill()
      await child.exited
    },
  }
}

if (import.meta.main) {
  let ahead = 0
  const app = await startApp({}, { now: () => Date.now() + ahead })
  const { email } = await app.newUser()
  process.on('message', ms => {
    ahead += Number(ms)
    process.send!('done')
  })
  process.on('disconnect', () => process.exit())
  process.send!({ url: app.url, account: email })
}
