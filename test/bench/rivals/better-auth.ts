/** https://better-auth.com: a library; here with a Bun.serve and bun:sqlite around it. */
import { join } from 'node:path'
import { password } from '../people.ts'
import { folder, type Server, serve } from '../processes.ts'
import type { Accounts } from './accounts.ts'
import { installPackages } from './install.ts'

export async function startBetterAuth(dataDir = folder()): Promise<Server> {
  const installed = await installPackages('better-auth')
  return serve([process.execPath, join(installed, 'server.js')], {
    cwd: installed,
    path: '/api/auth/ok',
    environment: { NODE_ENV: 'production', DATA_DIR: dataDir },
  })
}

export async function betterAuthAccounts(people: number): Promise<Accounts> {
  const server = await startBetterAuth()
  const email = (who: number) => `u${who}@example.com`
  const post = async (path: string, body: object) => {
    const response = await fetch(`${server.url}/api/auth/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`better-auth's ${path} answered ${response.status}`)
    return response
  }
  for (let who = 0; who < people; who++)
    await post('sign-up/email', { name: `u${who}`, email: email(who), password })
  const session = await post('sign-in/email', { email: email(0), password })
  const cookie = session.headers
    .getSetCookie()
    .map(line => line.split(';')[0])
    .join('; ')
  return {
    ...server,
    signIn: who => ({ url: `${server.url}/api/auth/sign-in/email`, body: { email: email(who), password } }),
    me: { url: `${server.url}/api/auth/get-session`, headers: { cookie } },
    refresh: null,
  }
}
