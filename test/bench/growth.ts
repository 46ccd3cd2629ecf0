/** The same requests with little, more and much in the database, asked in turns. */
import type { Bench, Figure } from './figure.ts'
import { startParley } from './parley.ts'
import type { Person } from './people.ts'
import { folder, type Server, script, serve } from './processes.ts'
import { median } from './rounds.ts'

export type Call = {
  method: string
  path: string
  status: number
  body?: object
  signedIn?: boolean
  /** How often it may be asked, if not `mostTimes`. */
  times?: number
}

/** By name, what is asked for `who` the `i`-th time; `whom` is another person. */
export type Endpoints<P> = Record<string, (who: P, whom: P, i: number) => Call>

/** Fills a folder's database, `most` being the most there will be in any; those who ask are returned. */
type Fill<P> = (dataDir: string, size: number, most: number) => Promise<P[]>
type Place<P> = { parley: Server; people: P[] }

const sizes = [1_000, 100_000, 1_000_000]
const quickSizes = [1_000, 10_000, 20_000]
const mostTimes = 500
const quickTimes = 60

/** A figure for each endpoint. @param what there is more and more of */
export async function growth<P extends Person>(
  bench: Bench,
  what: string,
  fill: Fill<P>,
  endpoints: Endpoints<P>,
): Promise<Figure[]> {
  const counts = bench.quick ? quickSizes : sizes
  const names = counts.map(size => `${size.toLocaleString('en')} ${what}`)
  const model = await serve(script('floors/model-api.ts'))
  const places: Place<P>[] = []
  for (const [i, size] of counts.entries()) {
    bench.progress(`filling a database with ${names[i]}`)
    places.push(await place(size, counts.at(-1)!, fill, model))
  }
  const figures: Figure[] = []
  for (const [name, call] of Object.entries(endpoints)) {
    figures.push(figure(name, names, await inTurns(places, call, bench)))
    bench.progress(`${name}: ${figures.at(-1)!.result.value.toFixed(2)}`)
  }
  await Promise.all([model, ...places.map(({ parley }) => parley)].map(server => server.stop()))
  return figures
}

async function place<P>(size: number, most: number, fill: Fill<P>, model: Server): Promise<Place<P>> {
  const dataDir = folder()
  const people = await fill(dataDir, size, most)
  const environment = { OPENAI_BASE_URL: `${model.url}/v1`, AGENT_MODEL: 'bench' }
  return { parley: await startParley(dataDir, environment), people }
}

/** Milliseconds of each place's answers. */
async function inTurns<P extends Person>(
  places: Place<P>[],
  call: Endpoints<P>[string],
  { quick }: Bench,
): Promise<number[][]> {
  const times = places.map(() => [] as number[])
  const ask = ({ people, parley }: Place<P>, i: number) => {
    const at = i % people.length
    const who = people[at]!
    return milliseconds(parley.url, call(who, people.at(-1 - at)!, i), who, `10.1.${i >> 8}.${i & 255}`)
  }
  const [first, second] = places[0]!.people
  const { times: most = mostTimes } = call(first!, second!, 0)
  for (let i = 0; i < (quick ? Math.min(most, quickTimes) : most); i++)
    // Whoever comes later finds the machine awake, so they take turns in that too.
    for (let turn = 0; turn < places.length; turn++) {
      const asked = (i + turn) % places.length
      times[asked]!.push(await ask(places[asked]!, i))
    }
  return times
}

function figure(name: string, names: string[], times: number[][]): Figure {
  const [few, more, many] = times.map(median) as [number, number, number]
  return {
    what: `${name}, ${names[2]}`,
    unit: 'ms',
    better: 'less',
    parley: many,
    floor: { value: few, by: names[0]! },
    between: { value: more, by: names[1]! },
    result: { value: many / few },
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
