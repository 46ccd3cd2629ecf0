/** Every endpoint with a million people in the database, against a thousand. */
import type { Bench, Figure, Row } from '../figure.ts'
import { startParley } from '../parley.ts'
import { type Person, password, populate } from '../people.ts'
import { folder, type Server, script, serve } from '../processes.ts'
import { median } from '../rounds.ts'

const few = 1_000
const many = 1_000_000

type Call = {
  method: string
  path: string
  status: number
  body?: object
  signedIn?: boolean
  times?: number
}
type Place = { parley: Server; people: Person[] }

/** What each asks for `who`; each request is another person's, and `whom` is another person still. */
const endpoints: Record<string, (who: Person, whom: Person) => Call> = {
  'GET /users/me': () => ({ method: 'GET', path: '/users/me', status: 200, signedIn: true }),
  'GET /users/{username}': (_, whom) => ({
    method: 'GET',
    path: `/users/${whom.username}`,
    status: 200,
    signedIn: true,
  }),
  'GET /auth/users': ({ email }) => ({
    method: 'GET',
    path: `/auth/users?email=${email}`,
    status: 200,
    signedIn: true,
  }),
  'PATCH /users/me': ({ username }) => ({
    method: 'PATCH',
    path: '/users/me',
    status: 200,
    signedIn: true,
    body: { bio: `I am ${username}.` },
  }),
  'POST /auth/sessions/refresh': ({ refreshToken }) => ({
    method: 'POST',
    path: '/auth/sessions/refresh',
    status: 200,
    body: { refresh_token: refreshToken },
  }),
  'POST /auth/sessions': ({ email }) => ({
    method: 'POST',
    path: '/auth/sessions',
    status: 200,
    body: { email, password },
    times: 60,
  }),
  'POST /auth/verifications': ({ username }) => ({
    method: 'POST',
    path: '/auth/verifications',
    status: 202,
    body: { email: `new_${username}@example.com`, username: `new_${username}`, password },
    times: 60,
  }),
  'POST /auth/verifications, username taken': ({ username }, whom) => ({
    method: 'POST',
    path: '/auth/verifications',
    status: 422,
    body: { email: `new_${username}@example.com`, username: whom.username, password },
  }),
  'POST /auth/verifications/resend': ({ username }) => ({
    method: 'POST',
    path: '/auth/verifications/resend',
    status: 204,
    body: { email: `nobody_${username}@example.com` },
  }),
  'POST /auth/verifications/verify, wrong code': ({ username }) => ({
    method: 'POST',
    path: '/auth/verifications/verify',
    status: 401,
    body: { email: `nobody_${username}@example.com`, token: '000000' },
  }),
  'POST /agent-chats': () => ({
    method: 'POST',
    path: '/agent-chats',
    status: 200,
    signedIn: true,
    body: { message: 'Say something.' },
  }),
  'DELETE /auth/sessions': ({ refreshToken }) => ({
    method: 'DELETE',
    path: '/auth/sessions',
    status: 204,
    body: { refresh_token: refreshToken },
  }),
}

export const millionUsers: Row = {
  name: 'million-users',
  async run(bench) {
    const model = await serve(script('floors/model-api.ts'))
    const small = await place(few, model)
    bench.progress(`filling a database with ${many} people`)
    const large = await place(many, model)
    const figures: Figure[] = []
    for (const [name, call] of Object.entries(endpoints)) {
      figures.push(await compare(name, call, small, large, bench))
      bench.progress(`${name}: ${figures.at(-1)!.result.value.toFixed(2)}`)
    }
    await Promise.all([small.parley.stop(), large.parley.stop(), model.stop()])
    return figures
  },
}

const sample = 500

async function place(size: number, model: Server): Promise<Place> {
  const dataDir = folder()
  const people = await populate(dataDir, size, sample)
  const environment = { OPENAI_BASE_URL: `${model.url}/v1`, AGENT_MODEL: 'bench' }
  return { parley: await startParley(dataDir, environment), people }
}

async function compare(
  name: string,
  call: (who: Person, whom: Person) => Call,
  small: Place,
  large: Place,
  { quick }: Bench,
): Promise<Figure> {
  const times = { small: [] as number[], large: [] as number[] }
  const ask = async (place: Place, i: number) => {
    const who = place.people[i]!
    const asked = call(who, place.people.at(-1 - i)!)
    return milliseconds(place.parley.url, asked, who, `10.1.${i >> 8}.${i & 255}`)
  }
  const { times: most = sample } = call(small.people[0]!, small.people[1]!)
  for (let i = 0; i < (quick ? Math.min(most, 60) : most); i++) {
    // Whoever comes second finds the machine awake, so they take turns in that too.
    if (i % 2) times.large.push(await ask(large, i))
    times.small.push(await ask(small, i))
    if (!(i % 2)) times.large.push(await ask(large, i))
  }
  return {
    what: `${name}, ${many.toLocaleString('en')} users`,
    unit: 'ms',
    better: 'less',
    parley: median(times.large),
    floor: { value: median(times.small), by: `${few.toLocaleString('en')} users` },
    result: { value: median(times.large) / median(times.small) },
    target: { atMost: 1.3 },
  }
}

async function milliseconds(url: string, call: Call, who: Person, address: string): Promise<number> {
  const headers: Record<string, string> = { 'x-forwarded-for': address }
  if (call.body) headers['content-type'] = 'application/json'
  if (call.signedIn) headers.authorization = `Bearer ${who.accessToken}`
  const started = performance.now()
  const response = await fetch(url + call.path, {
    method: call.method,
    headers,
    body: call.body && JSON.stringify(call.body),
  })
  await response.bytes()
  const time = performance.now() - started
  if (response.status !== call.status)
    throw new Error(`${call.method} ${call.path} answered ${response.status}, not ${call.status}.`)
  return time
}
