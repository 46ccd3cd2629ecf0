/** https://pocketbase.io: one executable, in Go. */
import { join } from 'node:path'
import { password } from '../people.ts'
import { folder, outputOf, type Server, serve } from '../processes.ts'
import type { Accounts } from './accounts.ts'
import { installGoProgram } from './install.ts'

/** The newest that Go 1.25 and 1.26 build. */
export const pocketBaseVersion = '0.39.5'

const admin = { identity: 'root@example.com', password: 'only for the bench' }

export const pocketBaseProgram = async (): Promise<string> =>
  join(
    await installGoProgram('pocketbase', 'github.com/pocketbase/pocketbase/examples/base', pocketBaseVersion),
    'base',
  )

export async function startPocketBase(dataDir = folder()): Promise<Server> {
  const program = await pocketBaseProgram()
  return serve(port => [program, 'serve', '--dir', dataDir, '--http', `127.0.0.1:${port}`], {
    cwd: dataDir,
    path: '/api/health',
  })
}

export async function pocketBaseAccounts(people: number): Promise<Accounts> {
  const dataDir = folder()
  await outputOf([
    await pocketBaseProgram(),
    'superuser',
    'upsert',
    admin.identity,
    admin.password,
    '--dir',
    dataDir,
  ])
  const server = await startPocketBase(dataDir)
  const collections = `${server.url}/api/collections`
  const post = async (path: string, body: object, authorization = '') => {
    const response = await fetch(`${collections}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`PocketBase's ${path} answered ${response.status}`)
    return (await response.json()) as { token: string; record: { id: string } }
  }
  const email = (who: number) => `u${who}@example.com`
  const root = await post('_superusers/auth-with-password', admin)
  for (let who = 0; who < people; who++)
    await post('users/records', { email: email(who), password, passwordConfirm: password }, root.token)
  const { token, record } = await post('users/auth-with-password', { identity: email(0), password })
  const headers = { authorization: token }
  return {
    ...server,
    signIn: who => ({
      url: `${collections}/users/auth-with-password`,
      body: { identity: email(who), password },
    }),
    me: { url: `${collections}/users/records/${record.id}`, headers },
    refresh: { url: `${collections}/users/auth-refresh`, headers },
  }
}
