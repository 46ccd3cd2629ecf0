/** The executable with all that it hangs on, each of which can be struck. */
import { join } from 'node:path'
import { type Answer, client } from '../harness/client.ts'
import { type Executable, emptyFolder, launchServer, listening, type Started } from '../harness/executable.ts'
import { type Script, startRawModel } from '../harness/model.ts'
import { startRedis } from '../harness/redis.ts'
import { type ArrivedMail, startSmtp } from '../harness/smtp.ts'
import { must, mustSoon } from './case.ts'
import type { ModelMessage } from './chat.ts'
import { settableClock } from './clock.ts'
import { smallDisk } from './disk.ts'
import { talk } from './talk.ts'

export type Needs = {
  env?: Record<string, string>
  redis?: boolean
  /** A disk of its own for the data, or a clock of its own. */
  disk?: boolean
  clock?: boolean
  /** What the model says; where it has nothing to say, it answers as `answerTo`. */
  scripts?: Record<string, Script>
}

type Parts = Awaited<ReturnType<typeof startParts>>

/** An answer in the words of the table; 'no answer' where the connection broke. */
export type Reply = Omit<Answer, 'status'> & { status: number | null; outcome: string }

/** Longer than anybody waits. */
export const patienceMs = 20_000

export class Stage implements AsyncDisposable {
  parley!: Executable
  readonly folder: string
  /** What those printed that have ended. */
  readonly #outputs: string[] = []
  /** How many connections there had been to the SMTP server when each life of the executable began. */
  readonly #lives: number[] = []
  /** Of SMTP servers that have been stopped. */
  readonly #mailsBefore: ArrivedMail[] = []
  #connectionsBefore = 0

  private constructor(readonly parts: Parts) {
    this.folder = parts.disk?.folder ?? emptyFolder()
  }

  static async set(needs: Needs = {}): Promise<Stage> {
    const stage = new Stage(await startParts(needs))
    await stage.start()
    await stage.untilHealthy()
    return stage
  }

  get smtp() {
    return this.parts.smtp
  }

  get databasePath(): string {
    return join(this.folder, 'data/parley.db')
  }

  async start(): Promise<void> {
    this.parley = await listening(await this.launch())
  }

  /** Begins a life of the executable, which may end before it listens. */
  launch(): Promise<Started> {
    this.#lives.push(this.#connectionsBefore + this.smtp.connections())
    return launchServer({ env: this.parts.environment, cwd: this.folder })
  }

  async kill(): Promise<void> {
    await this.parley.kill()
    this.#outputs.push(this.parley.output())
  }

  /** With everything that it hangs on there. */
  async restart(): Promise<void> {
    await this.kill()
    await this.start()
    await this.untilHealthy()
  }

  /** Ends it as a service manager does; it must take that well. */
  async stop(): Promise<void> {
    this.parley.signal('SIGTERM')
    must((await this.parley.exited) === 0, 'SIGTERM ends it with status 0')
    this.#outputs.push(this.parley.output())
  }

  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply> {
    const none = { status: null, headers: new Headers(), body: null }
    const late = Bun.sleep(patienceMs).then(() => ({ ...none, outcome: `none in ${patienceMs / 1000} s` }))
    const answer = client(this.parley.url, this.smtp)
      .call(method, path, body, headers)
      .then(
        answer => ({ ...answer, outcome: outcomeOf(answer) }),
        () => ({ ...none, outcome: 'no answer' }),
      )
    return Promise.race([answer, late])
  }

  untilHealthy(): Promise<void> {
    const isHealthy = async () => (await this.ask('GET', '/infra/health')).body?.status === 'healthy'
    return mustSoon(isHealthy, 'GET /infra/health says healthy')
  }

  /** What the model was sent with a message: all of its chat. */
  sentFor(message: string): ModelMessage[] {
    const sent = this.parts.model.requests.map(({ body }) => body.messages as ModelMessage[])
    const found = sent.findLast(messages => JSON.stringify(messages.at(-1)).includes(message))
    must(found, `the model is asked about "${message}"`)
    return found
  }

  /** After its stop, in its place. */
  async restartModel(): Promise<void> {
    this.parts.model = startRawModel(this.parts.scripts, 'chat', this.parts.model.port)
  }

  /** After its stop, in its place. */
  async restartSmtp(): Promise<void> {
    this.#mailsBefore.push(...this.#newMails())
    this.#connectionsBefore += this.smtp.connections()
    this.parts.smtp = await startSmtp(this.smtp.port)
  }

  #newMails = (): ArrivedMail[] =>
    this.smtp.mails.map(mail => ({ ...mail, connection: mail.connection + this.#connectionsBefore }))

  /** All that have arrived, each with the life of the executable that sent it. */
  mails(): Array<ArrivedMail & { life: number }> {
    const lifeOf = (mail: ArrivedMail) => this.#lives.findLastIndex(before => before < mail.connection)
    return [...this.#mailsBefore, ...this.#newMails()].map(mail => ({ ...mail, life: lifeOf(mail) }))
  }

  /** All that it has printed in all its lives. */
  output(): string {
    return [...this.#outputs, this.parley.output()].join('')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.parley.kill()
    const { smtp, redis, model, disk } = this.parts
    await Promise.all([smtp.stop(), redis?.stop(), model.stop()])
    disk?.[Symbol.dispose]()
  }
}

async function startParts({ env, redis, disk, clock, scripts = {} }: Needs) {
  const scriptFor = (asked: string) => scripts[asked] ?? talk(asked)
  const parts = {
    disk: disk ? smallDisk() : null,
    clock: clock ? await settableClock() : null,
    redis: redis ? await startRedis() : null,
    smtp: await startSmtp(),
    model: startRawModel(scriptFor),
    scripts: scriptFor,
  }
  const environment = {
    NODE_ENV: 'production',
    SMTP_URL: parts.smtp.url,
    // Everybody has an address of their own: the limits would hold up one that sends all the load.
    TRUST_PROXY: '1',
    ...parts.model.environment,
    ...parts.clock?.environment,
    ...(parts.redis ? { REDIS_URL: parts.redis.url } : {}),
    ...env,
  }
  return { ...parts, environment }
}

/** On a busy machine even a good Redis may take longer than the second it has: then once more. */
export async function patiently(stage: Stage, ask: () => Promise<string>): Promise<string> {
  const outcome = await ask()
  if (!outcome.startsWith('503 codes_unavailable')) return outcome
  await stage.untilHealthy()
  return ask()
}

/** Status, code and Retry-After of a response. */
export function outcomeOf({ status, body, headers }: Answer): string {
  const wait = headers.get('retry-after')
  return [status, body?.code && ` ${body.code}`, wait && `, Retry-After ${wait}`].filter(Boolean).join('')
}
