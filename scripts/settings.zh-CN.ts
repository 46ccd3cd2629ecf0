/** The settings in Chinese, for README.zh-CN.md; the type checker holds the list equal to the settings. */
import type { SettingName } from '../src/config.ts'

export const settingsInChinese: Record<SettingName, { help: string; unset?: string }> = {
  HOST: { help: '监听地址；0.0.0.0 或 :: 表示本机所有地址。' },
  PORT: { help: '监听端口；0 表示任选一个空闲端口。' },
  PUBLIC_URL: {
    help: '用户访问服务器的地址；也是令牌的签发者（iss）和 API 参考中的服务器地址。',
    unset: '令牌由 “parley” 签发',
  },
  DATA_DIR: { help: '存放 SQLite 文件和自动生成的密钥的目录；创建时权限为 0700。' },
  REDIS_URL: { help: '存放验证码和限流计数的 Redis。', unset: '内置（SQLite）' },
  JWT_SECRET: {
    help: '签发访问令牌；其他密钥都由它派生。更换后所有人都需要重新登录。',
    unset: '首次启动时生成，保存在 DATA_DIR',
  },
  SMTP_URL: {
    help: '发送邮件的 SMTP 服务器，如 smtp://user:password@host:587。',
    unset: '邮件打印到日志；生产环境中拒绝启动，除非 MAIL=log',
  },
  MAIL: { help: '明确指定邮件的去向。', unset: '有 SMTP_URL 时为 smtp，否则为 log' },
  MAIL_FROM: { help: '邮件的发件人。' },
  OPENAI_API_KEY: { help: '模型 API 的密钥。', unset: '不发送' },
  OPENAI_BASE_URL: {
    help: '任何兼容 OpenAI 的服务器，如 http://127.0.0.1:11434/v1。',
    unset: '有 OPENAI_API_KEY 时为 OpenAI，否则使用演示模型',
  },
  OPENAI_API: { help: '该服务器使用两种 OpenAI API 中的哪一种。', unset: 'OpenAI 用 responses，其他用 chat' },
  AGENT_MODEL: { help: '模型名称；demo 为内置演示模型。', unset: 'OpenAI 为 gpt-5-mini，否则为 demo' },
  AGENT_INSTRUCTIONS: { help: 'Agent 的系统指令。', unset: '一段简短的默认指令' },
  AGENT_MAX_STEPS: { help: '一次运行最多调用模型几次。' },
  AGENT_MAX_RUNS: { help: '每个用户最多同时进行的运行数；超出返回 429。' },
  AGENT_CONTEXT_TOKENS: { help: '发送给模型的历史上限，按每个 token 三字节估算；保留最新的消息。' },
  AGENT_FIRST_TOKEN_SECONDS: { help: '等待模型开始回答的最长时间。' },
  AGENT_SILENCE_SECONDS: { help: '回答过程中模型最长可以沉默多久。' },
  AGENT_RUN_SECONDS: { help: '一次运行的最长时间。' },
  ADMIN_EMAILS: { help: '可以查询任意邮箱的账号。', unset: '无' },
  REDIRECT_ALLOW_LIST: { help: 'redirect_to 允许的来源。', unset: '无' },
  CORS_ORIGINS: { help: '允许从浏览器调用 API 的网页来源。', unset: '无' },
  TRUST_PROXY: { help: '关于客户端地址，前面有几层代理可信。' },
  DEFAULT_LOCALE: { help: '请求未指定语言时使用的语言。' },
  LOG_LEVEL: { help: '日志的详细程度；debug 会记录每个请求。' },
  NODE_ENV: {
    help: '设为 production 后，不再容许开发便利：不把邮件打印到日志，不使用演示模型，除非明确指定。',
  },
}
