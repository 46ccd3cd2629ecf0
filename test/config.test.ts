import { describe, expect, test } from 'bun:test'
import { readConfig, type SettingName, settings } from '../src/config.ts'

describe('a setting that makes no sense is refused by name', () => {
  const wrong: Array<[SettingName, string]> = [
    ['PORT', 'http'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '3e3'],
    ['PUBLIC_URL', 'parley.example.com'],
    ['REDIS_URL', 'http://localhost'],
    ['REDIS_URL', 'redis://localhost/first'],
    ['REDIS_URL', 'redis://:100%@localhost'],
    ['JWT_SECRET', 'short'],
    ['SMTP_URL', 'mail.example.com'],
    ['MAIL', 'pigeon'],
    ['OPENAI_BASE_URL', 'localhost:11434'],
    ['OPENAI_API', 'rest'],
    ['AGENT_MAX_STEPS', '0'],
    ['ADMIN_EMAILS', 'alice'],
    ['REDIRECT_ALLOW_LIST', 'https://app.example.com/path'],
    ['CORS_ORIGINS', '*'],
    ['TRUST_PROXY', 'yes'],
    ['DEFAULT_LOCALE', 'fr'],
    ['LOG_LEVEL', 'loud'],
    ['NODE_ENV', 'Production'],
    ['NODE_ENV', 'prod'],
  ]
  test.each(wrong)('%s=%s', (name, value) => {
    expect(() => readConfig({ [name]: value })).toThrow(`${name} takes ${settings[name].takes}`)
  })

  test('without repeating it', () => {
    expect(() => readConfig({ JWT_SECRET: 'hunter2' })).toThrow(/^(?!.*hunter2)/)
  })

  test('where it needs another', () => {
    expect(() => readConfig({ MAIL: 'smtp' })).toThrow('SMTP_URL')
    expect(() => readConfig({ OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' })).toThrow('AGENT_MODEL')
    expect(() => readConfig({ AGENT_MODEL: 'gpt' })).toThrow('OPENAI_API_KEY')
    expect(() => readConfig({ AGENT_MODELS: 'demo, gpt' })).toThrow('OPENAI_API_KEY')
    const models = { OPENAI_API_KEY: 'key', AGENT_MODELS: 'a, b' }
    expect(() => readConfig({ ...models, AGENT_MODEL: 'c' })).toThrow('AGENT_MODEL is to be one')
    expect(() => readConfig({ ...models, AGENT_IMAGE_MODELS: 'c' })).toThrow('AGENT_IMAGE_MODELS')
  })
})

describe('NODE_ENV=production', () => {
  const production = { NODE_ENV: 'production' }
  test('refuses to print mails or to demonstrate, unless asked for by name', () => {
    expect(() => readConfig(production)).toThrow('SMTP_URL')
    expect(() => readConfig({ ...production, MAIL: 'log' })).toThrow('OPENAI_API_KEY')
    expect(readConfig({ ...production, MAIL: 'log', AGENT_MODEL: 'demo' })).toMatchObject({
      MAIL: 'log',
      AGENT_MODEL: 'demo',
    })
  })
})

describe('defaults', () => {
  test.each([
    [{}, { AGENT_MODEL: 'demo', MAIL: 'log', PORT: 3000, HOST: '127.0.0.1', DEFAULT_LOCALE: 'zh-CN' }],
    [{ OPENAI_API_KEY: 'key' }, { OPENAI_API: 'responses', AGENT_MODEL: 'gpt-5-mini' }],
    [
      { OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1', AGENT_MODEL: 'qwen' },
      { OPENAI_API: 'chat', AGENT_MODEL: 'qwen' },
    ],
    [
      { OPENAI_API_KEY: 'key', AGENT_MODELS: 'a, b, a, demo' },
      { AGENT_MODEL: 'a', AGENT_MODELS: ['a', 'b', 'demo'], AGENT_IMAGE_MODELS: ['a', 'b'] },
    ],
    [
      { OPENAI_API_KEY: 'key', AGENT_MODELS: 'a,b', AGENT_MODEL: 'b', AGENT_IMAGE_MODELS: 'b' },
      { AGENT_MODEL: 'b', AGENT_MODELS: ['a', 'b'], AGENT_IMAGE_MODELS: ['b'] },
    ],
    [
      { OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1', AGENT_MODELS: 'a,b' },
      { AGENT_MODEL: 'a', AGENT_IMAGE_MODELS: [] },
    ],
    [{ SMTP_URL: 'smtp://localhost:25' }, { MAIL: 'smtp' }],
    [
      { PORT: ' ', HOST: '' },
      { PORT: 3000, HOST: '127.0.0.1' },
    ],
    [{ ADMIN_EMAILS: 'A@example.com, b@example.com,' }, { ADMIN_EMAILS: ['a@example.com', 'b@example.com'] }],
  ])('%j gives %j', (environment, expected) => {
    expect(readConfig(environment)).toMatchObject(expected)
  })
})
