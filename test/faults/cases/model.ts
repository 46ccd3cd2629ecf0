/** What may befall a model's answer: the question is kept, what was said of the answer too, and the chat goes on. */
import { chunk, end, modelKey, word } from '../../harness/model.ts'
import { type Case, must } from '../case.ts'
import { check, checkDatabase } from '../checks.ts'
import { checkLog } from '../log.ts'
import { account } from '../outage.ts'
import { type Needs, Stage } from '../stage.ts'

type Failure = {
  name: string
  fault: string
  script?: (signal: AbortSignal, stage: Stage) => AsyncGenerator<string> | Response
  /** Before each question, and after each. */
  strike?(stage: Stage): unknown
  lift?(stage: Stage): unknown
  /** As JSON; a stream says the same in RUN_ERROR. */
  answer: string
  /** What there is of the answer. */
  said: string
  logged: RegExp
}

/** What it says beside the status is nobody's business; its word for programs is understood. */
const refusal =
  (status: number, { code = 'a_code', headers = {} } = {}) =>
  () =>
    Response.json({ error: { message: `${modelKey} is wrong`, type: 'a_type', code } }, { status, headers })

const stopModel = ({ parts }: Stage) => parts.model.stop()
const startModel = (stage: Stage) => stage.restartModel()

const failures: Failure[] = [
  {
    name: 'model-stopped',
    fault: 'The model refuses connections',
    strike: stopModel,
    lift: startModel,
    answer: '503 model_unreachable, Retry-After 10',
    said: '',
    logged: /^the run \S+ failed: model_unreachable .*(ECONNRESET|ECONNREFUSED)/,
  },
  {
    name: 'model-401',
    fault: 'The model answers 401',
    script: refusal(401),
    answer: '502 model_rejected_key',
    said: '',
    logged: /^the run \S+ failed: model_rejected_key .*status 401\)/,
  },
  {
    name: 'model-404',
    fault: 'The model answers 404',
    script: refusal(404),
    answer: '502 model_not_found',
    said: '',
    logged: /^the run \S+ failed: model_not_found .*status 404\)/,
  },
  {
    name: 'model-429',
    fault: 'The model answers 429 with Retry-After: 7',
    script: refusal(429, { headers: { 'retry-after': '7' } }),
    answer: '503 model_rate_limited, Retry-After 7',
    said: '',
    logged: /^the run \S+ failed: model_rate_limited .*status 429\)/,
  },
  {
    name: 'model-no-credit',
    fault: 'The model answers 429, insufficient_quota',
    script: refusal(429, { code: 'insufficient_quota' }),
    answer: '502 model_out_of_credit',
    said: '',
    logged: /^the run \S+ failed: model_out_of_credit .*insufficient_quota/,
  },
  {
    name: 'model-full',
    fault: 'The model answers 400, context_length_exceeded',
    script: refusal(400, { code: 'context_length_exceeded' }),
    answer: '502 chat_too_long',
    said: '',
    logged: /^the run \S+ failed: chat_too_long .*context_length_exceeded/,
  },
  {
    name: 'model-500',
    fault: 'The model answers 500',
    script: refusal(500),
    answer: '502 model_failed',
    said: '',
    logged: /^the run \S+ failed: model_failed .*status 500\)/,
  },
  {
    name: 'model-cut-before',
    fault: 'The model dies before it answers',
    async *script(signal, stage) {
      setTimeout(() => stopModel(stage), 50)
      await aborted(signal)
    },
    lift: startModel,
    answer: '503 model_unreachable, Retry-After 10',
    said: '',
    // Asked once more, on a new connection, it may be dying still, or not be there any more.
    logged: /^the run \S+ failed: model_unreachable .*(ECONNRESET|ECONNREFUSED)/,
  },
  {
    name: 'model-cut-within',
    fault: 'The model dies in the middle of its answer',
    async *script(signal, stage) {
      yield word('Some ')
      yield word('words')
      // Long enough for them to be heard.
      setTimeout(() => stopModel(stage), 500)
      await aborted(signal)
    },
    lift: startModel,
    answer: '502 model_cut_off',
    said: 'Some words',
    logged: /^the run \S+ failed: model_cut_off .*ECONNRESET/,
  },
  {
    name: 'model-no-finish',
    fault: 'The model ends its answer without saying so',
    async *script() {
      yield word('Some words')
    },
    answer: '502 model_cut_off',
    said: 'Some words',
    logged: /^the run \S+ failed: model_cut_off/,
  },
  {
    name: 'model-error-frame',
    fault: 'The model sends an error in the middle of its answer',
    async *script() {
      yield word('Some words')
      yield `data: ${JSON.stringify({ error: { message: `${modelKey} is wrong`, type: 'server_error' } })}\n\n`
    },
    answer: '502 model_failed',
    said: 'Some words',
    logged: /^the run \S+ failed: model_failed/,
  },
  {
    name: 'model-bad-json',
    fault: 'The model sends what is no JSON in the middle of its answer',
    async *script() {
      yield word('Some words')
      yield `data: {"${modelKey}\n\n`
    },
    answer: '502 model_not_understood',
    said: 'Some words',
    logged: /^the run \S+ failed: model_not_understood/,
  },
  {
    name: 'model-length',
    fault: 'The model stops at its own limit of length',
    async *script() {
      yield word('Some words')
      yield chunk({}, 'length')
    },
    answer: '502 answer_too_long',
    said: 'Some words',
    logged: /^the run \S+ failed: answer_too_long/,
  },
  {
    name: 'model-silent',
    fault: 'The model does not begin to answer in the time it has',
    async *script(signal) {
      yield ': thinking\n\n'
      await aborted(signal)
    },
    answer: '504 model_timeout',
    said: '',
    logged: /^the run \S+ failed: model_timeout .*AGENT_FIRST_TOKEN_SECONDS/,
  },
  {
    name: 'model-falls-silent',
    fault: 'The model falls silent within its answer for longer than it may',
    async *script(signal) {
      yield word('Some words')
      await aborted(signal)
    },
    answer: '504 model_timeout',
    said: 'Some words',
    logged: /^the run \S+ failed: model_timeout .*AGENT_SILENCE_SECONDS/,
  },
  {
    name: 'model-endless',
    fault: 'The model talks for longer than a run may take',
    async *script(signal) {
      yield word('Some words')
      while (!signal.aborted) {
        yield word('')
        await Bun.sleep(100)
      }
      yield end
    },
    answer: '504 run_timeout',
    said: 'Some words',
    logged: /^the run \S+ failed: run_timeout .*AGENT_RUN_SECONDS/,
  },
]

const aborted = (signal: AbortSignal) =>
  new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))

const limits = { AGENT_FIRST_TOKEN_SECONDS: '2', AGENT_SILENCE_SECONDS: '2', AGENT_RUN_SECONDS: '4' }

const question = 'A question.'

const failing = ({ name, fault, script, strike, lift, answer, said, logged }: Failure): Case => ({
  name,
  group: 'Model',
  fault,
  async run() {
    const scripts: Needs['scripts'] = {}
    if (script) scripts[question] = signal => script(signal, stage)
    await using stage = await Stage.set({ env: limits, scripts })
    const alice = await account(stage)
    const [, code = ''] = /^\d+ (\w+)/.exec(answer) ?? []
    for (const [ask, expected] of [
      [() => alice.chat(question), answer],
      [() => alice.stream(question), `200 RUN_ERROR ${code}`],
    ] as const) {
      await strike?.(stage)
      const outcome = await ask()
      must(outcome === expected, `it is answered ${expected}, not ${outcome}`)
      await lift?.(stage)
      const told = alice.chats.at(-1)!.said.map(({ whole }) => whole)
      must(told.join('|') === [question, said].filter(Boolean).join('|'), `it tells "${said}", not ${told}`)
    }
    const lines = await checkLog(stage, [logged], [alice])
    must(!stage.output().includes(modelKey), 'the key is not logged')
    await stage.restart()
    const facts = await check(alice)
    checkDatabase(stage)
    const kept = said ? `the question, and “${said}”` : 'the question'
    return {
      clients: `JSON: ${answer}<br>stream: 200, RUN_ERROR ${code}`,
      logged: lines,
      kept: `${kept}; all of ${facts} facts`,
    }
  },
})

export const model: Case[] = failures.map(failing)
