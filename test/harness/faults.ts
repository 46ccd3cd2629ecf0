/**
 * Every way a model API fails (scripts/model-faults.ts), brought about over either API: by the mock where it can,
 * by the raw model, or by an address where there is none. Whatever wire is to be tested sends `message` to `app`.
 */
import type { FaultName } from '../../scripts/model-faults.ts'
import { startApp, type TestApp } from './app.ts'
import { type Api, environment, type Script, speech, startModel, startRawModel } from './model.ts'

/** The key that Parley sends, which reads like any word; some servers repeat it in their errors. */
export const leakyKey = 'open_sesame'
/** In whatever text the model API has to say of its failure. */
export const marker = 'OrgSecretMarker'

type Lines = (typeof speech)[Api]
type How =
  /** What the mock answers with. */
  | { status: number; word?: string }
  /** What the raw model streams, or answers. */
  | { says: (lines: Lines, signal: AbortSignal) => AsyncGenerator<string> }
  | { answers: () => Response }
  /** What the address of the model API is, or does. */
  | { address: string }
  | { hangsUpAfter: (lines: Lines) => string }

type Brought = { how: How; said?: string; settings?: Record<string, string>; retryAfter?: number }

const forEver = (signal: AbortSignal) =>
  new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
const error = (code: string | null = leakyKey) => ({ message: `${marker} ${leakyKey}`, type: marker, code })
const says = (says: (lines: Lines, signal: AbortSignal) => AsyncGenerator<string>, said = '') => ({
  how: { says },
  said,
})

/** Of a response (RFC 9112), and a piece of its body. */
const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'
const chunked = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`

export const faults: Record<FaultName, Brought> = {
  refused: { how: { address: 'http://127.0.0.1:9/v1' } },
  no_host: { how: { address: 'http://model.invalid/v1' } },
  no_tls: { how: { address: 'https://PLAIN/v1' } },
  hung_up: { how: { hangsUpAfter: () => '' } },
  unauthorized: { how: { status: 401 } },
  forbidden: { how: { status: 403 } },
  no_model: { how: { status: 404 } },
  rejected: { how: { status: 400 } },
  no_credit: { how: { status: 429, word: 'insufficient_quota' } },
  too_many: { how: { status: 429 }, retryAfter: 7 },
  overloaded: { how: { status: 503 } },
  failed: { how: { status: 500 } },
  gave_up: { how: { status: 504 } },
  too_long: { how: { status: 400, word: 'context_length_exceeded' } },
  cut_before: { how: { hangsUpAfter: () => head + chunked(': hi\n\n') } },
  cut_within: {
    how: { hangsUpAfter: ({ begin, word }) => head + chunked(begin + word('some ')) },
    said: 'some ',
  },
  no_end: says(async function* ({ begin, word }) {
    yield begin + word('some ')
    yield word('words')
  }, 'some words'),
  empty: says(async function* () {}),
  error_first: says(async function* ({ error: failed }) {
    yield failed(error())
  }),
  error_within: says(async function* ({ begin, word, error: failed }) {
    yield begin + word('some ')
    yield failed(error('server_error'))
  }, 'some '),
  bad_json: says(async function* ({ begin, word }) {
    yield begin + word('some ')
    yield `data: {"${marker} ${leakyKey}\n\n`
  }, 'some '),
  other_json: says(async function* () {
    yield `data: ${JSON.stringify({ choices: marker, type: { of: leakyKey } })}\n\n`
  }),
  page: {
    how: {
      answers: () =>
        new Response(`<h1>${marker} ${leakyKey}</h1>`, { headers: { 'content-type': 'text/html' } }),
    },
  },
  silent_first: {
    ...says(async function* (_, signal) {
      yield ': thinking\n\n'
      await forEver(signal)
    }),
    settings: { AGENT_FIRST_TOKEN_SECONDS: '1' },
  },
  silent_within: {
    ...says(async function* ({ begin, word }, signal) {
      yield begin + word('some ')
      await forEver(signal)
    }, 'some '),
    settings: { AGENT_SILENCE_SECONDS: '1' },
  },
  endless: {
    ...says(async function* ({ begin, word }, signal) {
      yield begin + word('on')
      while (!signal.aborted) {
        yield ': still\n\n'
        await Bun.sleep(100)
      }
    }, 'on'),
    settings: { AGENT_RUN_SECONDS: '1' },
  },
  length: says(async function* ({ begin, word, tooLong }) {
    yield begin + word('some ') + tooLong
  }, 'some '),
  filtered: says(async function* ({ begin, word, filtered }) {
    yield begin + word('some ') + filtered
  }, 'some '),
}

export const faultNames = Object.keys(faults) as FaultName[]

/** What a person says to meet the fault; it is to show up nowhere but where it belongs. */
export const messageFor = (name: FaultName) => `Dear model, ${name}, please.`

/** Servers that fail, and an app for each setting that a fault needs. */
export async function startFaults(api: Api) {
  const mock = await startModel()
  const raw = startRawModel(scripts(api), api)
  const plain = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() })
  const rude = faultNames.flatMap(name => {
    const { how } = faults[name]
    return 'hangsUpAfter' in how ? [[name, hangUpAfter(how.hangsUpAfter(speech[api]))] as const] : []
  })
  const apps = new Map<string, Promise<TestApp>>()

  for (const name of faultNames) teach(mock, name)

  function addressFor(name: FaultName): string {
    const { how } = faults[name]
    if ('address' in how) return how.address.replace('PLAIN', `127.0.0.1:${plain.port}`)
    const port = rude.find(([fault]) => fault === name)?.[1].port
    if (port) return `http://127.0.0.1:${port}/v1`
    return 'says' in how || 'answers' in how
      ? raw.environment.OPENAI_BASE_URL!
      : mock.environment(api).OPENAI_BASE_URL!
  }

  const settingsOf = (name: FaultName) => ({
    ...environment(addressFor(name), api),
    ...faults[name].settings,
    OPENAI_API_KEY: leakyKey,
    AGENT_MAX_RUNS: '100',
  })

  return {
    /** Settings with which the model fails so. */
    settingsOf,
    /** An app whose model fails so. */
    app(name: FaultName): Promise<TestApp> {
      const settings = settingsOf(name)
      const key = JSON.stringify(settings)
      const app = apps.get(key) ?? startApp(settings)
      apps.set(key, app)
      return app
    },
    async stop() {
      for (const app of apps.values()) await (await app).stop()
      for (const [, server] of rude) server.stop(true)
      await plain.stop(true)
      await raw.stop()
      await mock.stop()
    },
  }
}

const scripts = (api: Api): Record<string, Script> =>
  Object.fromEntries(
    faultNames.flatMap((name): Array<[string, Script]> => {
      const { how } = faults[name]
      if ('answers' in how) return [[messageFor(name), how.answers]]
      return 'says' in how ? [[messageFor(name), signal => how.says(speech[api], signal)]] : []
    }),
  )

function teach(mock: Awaited<ReturnType<typeof startModel>>, name: FaultName): void {
  const { how, retryAfter } = faults[name]
  if (!('status' in how)) return
  const { status, word } = how
  mock.says(messageFor(name), { error: error(word), status, retryAfter } as never)
}

const hangUpAfter = (said: string) =>
  Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      data(socket) {
        socket.write(said)
        // Once it is there.
        setTimeout(() => socket.terminate(), said ? 50 : 0)
      },
    },
  })
