/** The settings in Chinese, for README.zh-CN.md; the type checker holds the list equal to the settings. */
import type { SettingName } from '../src/config.ts'

export const settingsInChinese: Record<SettingName, { help: string; unset?: string }> = {
  HOST: { help: '监听地址；0.0.0.0 或 :: 表示本机的所有地址。' },
  PORT: { help: '监听端口；0 表示自动选择空闲端口。' },
  PUBLIC_URL: {
    help: '用户访问服务器所用的地址；令牌的签发者（iss）和 API 参考中的服务器地址都取自它。',
    unset: '令牌的签发者为 “parley”',
  },
  DATA_DIR: { help: '存放 SQLite 文件和自动生成的密钥的目录；创建时权限为 0700。' },
  REDIS_URL: { help: '存放验证码和限流计数的 Redis。', unset: '内置于 SQLite' },
  JWT_SECRET: {
    help: '用于签发访问令牌，其他密钥都由它派生；更换后所有人都要重新登录。',
    unset: '首次启动时生成，保存在 DATA_DIR 中',
  },
  SMTP_URL: {
    help: '发送邮件的 SMTP 服务器，如 smtp://user:password@host:587。',
    unset: '邮件打印到日志；在生产环境中会拒绝启动，除非设为 MAIL=log',
  },
  MAIL: { help: '明确指定邮件发往何处。', unset: '设置了 SMTP_URL 则为 smtp，否则为 log' },
  MAIL_FROM: { help: '邮件的发件人。' },
  OPENAI_API_KEY: { help: '模型 API 的密钥。', unset: '不发送密钥' },
  OPENAI_BASE_URL: {
    help: '任何兼容 OpenAI 的服务器，如 http://127.0.0.1:11434/v1。',
    unset: '设置了 OPENAI_API_KEY 则为 OpenAI 官方，否则使用演示模型',
  },
  OPENAI_API: {
    help: '该服务器支持的是两种 OpenAI API 中的哪一种。',
    unset: 'OpenAI 官方为 responses，其他为 chat',
  },
  AGENT_MODEL: { help: '模型名称；demo 为内置的演示模型。', unset: 'OpenAI 官方为 gpt-5-mini，否则为 demo' },
  AGENT_MODELS: {
    help: '用户可以选择的模型；第一个是默认模型，除非 AGENT_MODEL 指定了其中另一个。',
    unset: '只有 AGENT_MODEL',
  },
  AGENT_IMAGE_MODELS: { help: '其中能接收图片的模型。', unset: 'OpenAI 官方为全部，其他服务器为无' },
  AGENT_INSTRUCTIONS: { help: '给 Agent 的系统提示词。', unset: '一段简短实用的默认提示词' },
  MCP_SERVERS: {
    help: '列出 MCP 服务器的 JSON 文件，格式与其他 MCP 客户端所用的相同；Agent 可以使用这些服务器的工具。',
    unset: '只有内置工具',
  },
  AGENT_MAX_STEPS: { help: '一次运行中最多调用模型的次数。' },
  AGENT_MAX_RUNS: { help: '每个用户可同时进行的运行数；超出时返回 429。' },
  AGENT_ATTACHMENTS_MIB: { help: '为每个用户保存的附件总量上限（MiB）；超出时返回 422。0 表示不限。' },
  AGENT_DAILY_TOKENS: {
    help: '每个用户每天（UTC）可用的模型 token 数，输入与输出合计；超出时返回 429。0 表示不限。',
  },
  AGENT_TITLES: {
    help: '对话标题的来源：model 在第一次回答后简短调用一次模型，message 取第一条消息的开头。',
  },
  AGENT_CONTEXT_TOKENS: { help: '发送给模型的历史消息上限，按每个 token 三字节估算；优先保留最新的消息。' },
  AGENT_FIRST_TOKEN_SECONDS: { help: '模型最迟多少秒内要开始回答；会先思考的模型需要久一些。' },
  AGENT_SILENCE_SECONDS: { help: '回答过程中，模型最多可停顿多少秒。' },
  AGENT_RUN_SECONDS: { help: '一次运行最多持续多少秒。' },
  ADMIN_EMAILS: { help: '可以查询任意邮箱的账号。', unset: '无' },
  REDIRECT_ALLOW_LIST: { help: 'redirect_to 可以指向的来源（origin）。', unset: '无' },
  CORS_ORIGINS: { help: '可以在浏览器中调用 API 的网页来源（origin）。', unset: '无' },
  TRUST_PROXY: { help: '确定客户端地址时，信任前面的几层代理。' },
  DEFAULT_LOCALE: { help: '请求未指定语言时使用的语言。' },
  LOG_LEVEL: { help: '日志的详细程度；debug 会记录每个请求。' },
  NODE_ENV: {
    help: '设为 production 后不再提供开发便利：邮件不打印到日志，也不使用演示模型，除非明确指定。',
  },
}
