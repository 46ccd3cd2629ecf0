/**
 * Every setting, once: name, what it takes, default, help. The only reader of the environment.
 * `--help`, the tables in the READMEs and `.env.example` are made from this list.
 */
import { isAbsolute, resolve } from 'node:path'
import { StartError } from './errors.ts'
import { type Locale, locales } from './texts/index.ts'

type Parser<T> = { takes: string; parse: (value: string) => T | undefined }

const text: Parser<string> = { takes: 'a text', parse: value => value }
const path: Parser<string> = { takes: 'the path of a file', parse: value => value }
const integer = (min: number, max: number): Parser<number> => ({
  takes: `a whole number from ${min} to ${max}`,
  parse: value => (/^\d{1,15}$/.test(value) && +value >= min && +value <= max ? +value : undefined),
})
const oneOf = <const T extends string>(...words: T[]): Parser<T> => ({
  takes: `one of ${words.join(', ')}`,
  parse: value => words.find(word => word === value),
})
const url = (...protocols: string[]): Parser<string> => ({
  takes: `an address that starts with ${protocols.map(protocol => `${protocol}//`).join(' or ')}`,
  parse: value =>
    URL.canParse(value) && protocols.includes(new URL(value).protocol) && new URL(value).hostname
      ? value
      : undefined,
})
const list = (item: Parser<string>): Parser<string[]> => ({
  takes: `a comma-separated list, each ${item.takes}`,
  parse: value => {
    const items = value
      .split(',')
      .map(part => part.trim())
      .filter(Boolean)
      .map(item.parse)
    return items.every(part => part !== undefined) ? [...new Set(items as string[])] : undefined
  },
})
const origin: Parser<string> = {
  takes: 'an origin such as https://app.example.com',
  parse: value =>
    URL.canParse(value) && new URL(value).origin === value.replace(/\/$/, '')
      ? new URL(value).origin
      : undefined,
}
const email: Parser<string> = {
  takes: 'an e-mail address',
  parse: value => (/^[^\s@]+@[^\s@]+$/.test(value) ? value.toLowerCase() : undefined),
}
const mailbox: Parser<string> = {
  takes: 'an e-mail address, alone or as Name <name@example.com>',
  parse: value =>
    /^(?:"[^"\r\n]*" *|[^<>@,;"\r\n]*)<[^\s@<>,;"]+@[^\s@<>,;"]+>$|^[^\s@<>,;"]+@[^\s@<>,;"]+$/.test(value)
      ? value
      : undefined,
}
const redisUrl: Parser<string> = {
  takes:
    'an address that starts with redis:// or rediss://, as redis://user:password@host:6379/0, percent-encoded',
  parse: value => {
    try {
      const { protocol, hostname, username, password, pathname } = new URL(value)
      decodeURIComponent(username + password)
      return /^rediss?:$/.test(protocol) && hostname && /^\/?\d*$/.test(pathname) ? value : undefined
    } catch {
      return undefined
    }
  },
}
const secret: Parser<string> = {
  takes: 'a secret of at least 32 bytes',
  parse: value => (Buffer.byteLength(value) >= 32 ? value : undefined),
}

type Setting<T> = Parser<T> & { default: T; unset?: string; help: string }
const setting = <T, D extends T | undefined>(parser: Parser<T>, fallback: D, help: string, unset?: string) =>
  ({ ...parser, default: fallback, help, unset }) as unknown as Setting<
    D extends undefined ? T | undefined : T
  >

export const settings = {
  HOST: setting(text, '127.0.0.1', 'Address to listen on; 0.0.0.0 or :: for all of the machine.'),
  PORT: setting(integer(0, 65535), 3000, 'Port to listen on; 0 takes a free one.'),
  PUBLIC_URL: setting(
    url('http:', 'https:'),
    undefined,
    'Address people reach the server under; issuer of the tokens and server in the API reference.',
    'tokens are issued by "parley"',
  ),
  DATA_DIR: setting(
    text,
    './data',
    'Folder of the SQLite file and the generated secret; created with mode 0700.',
  ),
  REDIS_URL: setting(redisUrl, undefined, 'Redis for codes and rate limits.', 'embedded in SQLite'),
  JWT_SECRET: setting(
    secret,
    undefined,
    'Signs access tokens; every other key is derived from it. Changing it signs everybody out.',
    'generated once, kept in DATA_DIR',
  ),
  SMTP_URL: setting(
    url('smtp:', 'smtps:'),
    undefined,
    'SMTP server for mails, as smtp://user:password@host:587.',
    'mails are printed to the log; refused in production unless MAIL=log',
  ),
  MAIL: setting(
    oneOf('log', 'smtp'),
    undefined,
    'Says outright where mails go.',
    'smtp where SMTP_URL is set, else log',
  ),
  MAIL_FROM: setting(mailbox, 'Parley <parley@localhost>', 'Sender of the mails.'),
  OPENAI_API_KEY: setting(text, undefined, 'Key of the model API.', 'none is sent'),
  OPENAI_BASE_URL: setting(
    url('http:', 'https:'),
    undefined,
    'Any OpenAI-compatible server, as http://127.0.0.1:11434/v1.',
    'OpenAI itself where OPENAI_API_KEY is set, else the demonstration model',
  ),
  OPENAI_API: setting(
    oneOf('responses', 'chat'),
    undefined,
    'Which of the two OpenAI APIs that server speaks.',
    'responses for OpenAI itself, chat for any other',
  ),
  AGENT_MODEL: setting(
    text,
    undefined,
    'Name of the model; "demo" is the built-in demonstration model.',
    'gpt-5-mini for OpenAI itself, else demo',
  ),
  AGENT_MODELS: setting(
    list(text),
    undefined,
    'Models that people may choose from; the first is the default unless AGENT_MODEL is one of the others.',
    'AGENT_MODEL alone',
  ),
  AGENT_IMAGE_MODELS: setting(
    list(text),
    undefined,
    'Those of them that take images.',
    'all of OpenAI itself, none of any other server',
  ),
  AGENT_INSTRUCTIONS: setting(
    text,
    undefined,
    'System instructions of the agent.',
    'a short, helpful default',
  ),
  MCP_SERVERS: setting(
    path,
    undefined,
    'JSON file of MCP servers whose tools the agent has, in the shape other hosts use.',
    'the agent has its own tools alone',
  ),
  AGENT_MAX_STEPS: setting(integer(1, 100), 10, 'Model calls in one run at most.'),
  AGENT_MAX_RUNS: setting(integer(1, 10_000), 3, 'Runs a user may have at once; 429 beyond.'),
  AGENT_ATTACHMENTS_MIB: setting(
    integer(0, 1_000_000),
    1024,
    'MiB of attachments that are kept for a user; 422 beyond. 0 for no bound.',
  ),
  AGENT_DAILY_TOKENS: setting(
    integer(0, 1_000_000_000_000),
    0,
    'Tokens a user may take of models in a day (UTC), input and output together; 429 beyond. 0 for no budget.',
  ),
  AGENT_TITLES: setting(
    oneOf('model', 'message'),
    'model',
    "What names a chat: a short call of the model after the first answer, or the first message's beginning.",
  ),
  AGENT_CONTEXT_TOKENS: setting(
    integer(256, 10_000_000),
    32_000,
    'History sent to the model at most, estimated at three bytes a token; the newest is kept.',
  ),
  AGENT_FIRST_TOKEN_SECONDS: setting(
    integer(1, 3600),
    120,
    'How long the model may take to begin an answer; one that thinks first takes a while.',
  ),
  AGENT_SILENCE_SECONDS: setting(
    integer(1, 3600),
    60,
    'How long the model may fall silent within an answer.',
  ),
  AGENT_RUN_SECONDS: setting(integer(1, 86_400), 300, 'How long a whole run may take.'),
  ADMIN_EMAILS: setting(list(email), [], 'Accounts that may look up any address.'),
  REDIRECT_ALLOW_LIST: setting(list(origin), [], 'Origins that redirect_to may name.'),
  CORS_ORIGINS: setting(list(origin), [], 'Web origins that may call the API from a browser.'),
  TRUST_PROXY: setting(
    integer(0, 10),
    0,
    'How many proxies in front are to be believed about the client address.',
  ),
  DEFAULT_LOCALE: setting(oneOf(...locales), 'zh-CN' as Locale, 'Language where the request asks for none.'),
  LOG_LEVEL: setting(
    oneOf('debug', 'info', 'warning', 'error'),
    'info',
    'How much is logged; debug logs each request.',
  ),
  NODE_ENV: setting(
    oneOf('development', 'production', 'test'),
    'development',
    '"production" turns conveniences into refusals: no mail in the log, no demonstration model, unless asked for by name.',
  ),
}

type Settings = typeof settings
export type SettingName = keyof Settings
export type Environment = Record<string, string | undefined>
export type Config = { [Name in SettingName]: Settings[Name]['default'] } & {
  production: boolean
  dataDir: string
}

/** A setting that makes no sense: the message names it and says what it takes. */
export class ConfigError extends StartError {}

/** Reads the settings; an empty value counts as unset. Throws ConfigError. */
export function readConfig(environment: Environment): Config {
  const values: Record<string, unknown> = {}
  for (const [name, entry] of Object.entries(settings))
    values[name] = readSetting(name, entry, environment[name])
  const config = values as Config
  config.production = config.NODE_ENV === 'production'
  config.dataDir = isAbsolute(config.DATA_DIR) ? config.DATA_DIR : resolve(config.DATA_DIR)
  return withDependents(config)
}

function readSetting(name: string, entry: Setting<unknown>, given: string | undefined): unknown {
  if (given === undefined || given.trim() === '') return entry.default
  const value = entry.parse(given.trim())
  // The value itself is not repeated: it may be a secret.
  if (value === undefined) throw new ConfigError(`${name} takes ${entry.takes}.`)
  return value
}

/** Defaults and refusals that hang on more than one setting. */
function withDependents(config: Config): Config {
  config.MAIL ??= config.SMTP_URL || config.production ? 'smtp' : 'log'
  if (config.MAIL === 'smtp' && !config.SMTP_URL)
    throw new ConfigError('SMTP_URL is needed to send mails (or MAIL=log to print them to the log).')

  withDefaultModel(config)
  withModels(config)
  config.OPENAI_API ??= config.OPENAI_BASE_URL === undefined ? 'responses' : 'chat'
  return config
}

function withDefaultModel(config: Config): void {
  config.AGENT_MODEL ??= config.AGENT_MODELS?.[0]
  if (config.OPENAI_API_KEY && !config.OPENAI_BASE_URL) config.AGENT_MODEL ??= 'gpt-5-mini'
  if (!config.AGENT_MODEL && config.OPENAI_BASE_URL)
    throw new ConfigError('AGENT_MODEL is needed with OPENAI_BASE_URL: name a model of that server.')
  if (!config.AGENT_MODEL && config.production)
    throw new ConfigError(
      'OPENAI_API_KEY or OPENAI_BASE_URL is needed (or AGENT_MODEL=demo for the demonstration model).',
    )
  config.AGENT_MODEL ??= 'demo'
}

/** Which models there are, and which of them take images. */
function withModels(config: Config): void {
  const { AGENT_MODEL: model = '', OPENAI_API_KEY: key, OPENAI_BASE_URL: url } = config
  const naming = config.AGENT_MODELS ? 'AGENT_MODELS' : 'AGENT_MODEL'
  const models = config.AGENT_MODELS ?? [model]
  if (!models.includes(model))
    throw new ConfigError('AGENT_MODEL is to be one of AGENT_MODELS: it is the default.')
  const real = models.filter(name => name !== 'demo')
  if (real.length > 0 && !url && !key)
    throw new ConfigError(`${naming} names a model, so OPENAI_API_KEY or OPENAI_BASE_URL is needed.`)
  const images = config.AGENT_IMAGE_MODELS ?? (url ? [] : real)
  if (images.some(name => !models.includes(name)))
    throw new ConfigError('AGENT_IMAGE_MODELS names a model that is not in AGENT_MODELS.')
  config.AGENT_MODELS = models
  config.AGENT_IMAGE_MODELS = images
}

/** What is not fit for production, a sentence each. */
export function developmentConveniences(config: Config): string[] {
  return [
    config.MAIL === 'log' && 'mails, codes included, are printed to this log (SMTP_URL)',
    config.AGENT_MODELS?.includes('demo') &&
      'the demonstration model answers (OPENAI_API_KEY or OPENAI_BASE_URL)',
  ].filter(line => typeof line === 'string')
}
