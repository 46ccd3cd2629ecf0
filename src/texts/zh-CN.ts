import type { ErrorCode } from '../errors.ts'

const errors: Record<ErrorCode, string> = {
  invalid_request: '请求参数无效，请检查 errors 中列出的字段',
  malformed_json: '请求体不是有效的 JSON 对象',
  unsupported_media_type: '请以 Content-Type: application/json 发送 JSON 请求体',
  body_too_large: '请求体过大，最多 {max} 字节',
  bad_host: '请求的 Host 头无效',
  unauthenticated: '未认证或登录已失效，请重新登录',
  invalid_credentials: '邮箱或密码错误',
  invalid_code: '验证码无效或已过期',
  invalid_refresh_token: '登录已失效，请重新登录',
  forbidden: '无权限访问',
  not_found: '没有这个接口：{path}',
  user_not_found: '用户不存在',
  chat_not_found: '对话不存在',
  method_not_allowed: '此接口不支持 {method}，请使用 {allow}',
  username_taken: '用户名已被使用，请换一个',
  redirect_not_allowed: '不允许跳转到该地址：其来源不在 REDIRECT_ALLOW_LIST 中',
  rate_limited: '请求过于频繁，请在 {seconds} 秒后重试',
  too_many_runs: '同时进行的对话过多（最多 {max} 个），请等待其中一个结束',
  run_in_progress: '该对话正在回答上一条消息，请等它结束后再发送',
  model_failed: '模型服务出错，请稍后重试',
  model_rejected_key: '模型服务拒绝了服务器的密钥或模型名称，请联系管理员',
  model_cut_off: '模型服务在回答中途断开，已保留收到的部分',
  model_refused: '模型的内容过滤拒绝了这条消息或回答',
  model_rate_limited: '模型服务繁忙，请在 {seconds} 秒后重试',
  model_unreachable: '无法连接模型服务，请在 {seconds} 秒后重试',
  model_timeout: '模型没有在限定时间内回答，请重试',
  answer_too_long: '回答过长，已被截断',
  tool_failed: '工具出错，没有结果',
  tool_timeout: '工具没有在限定时间内返回结果',
  invalid_tool_call: '模型对工具的调用无效',
  run_interrupted: '回答因服务器停止而中断，请重新发送',
  server_busy: '服务器繁忙，请在 {seconds} 秒后重试',
  codes_unavailable: '验证码服务暂时不可用，请在 {seconds} 秒后重试',
  storage_unavailable: '暂时无法保存数据，请在 {seconds} 秒后重试',
  stopping: '服务器正在重启，请在 {seconds} 秒后重试',
  internal_error: '服务器内部错误，请稍后重试；请求编号 {id}',
}

export const zhCN = {
  errors,
  fields: {
    required: '必填',
    type: '类型应为 {type}',
    minLength: '至少 {min} 个字符',
    maxLength: '最多 {max} 个字符',
    pattern: '格式不正确',
    format: '格式不正确，应为 {format}',
    invalid: '无效',
  },
  mails: {
    signUpCode: {
      subject: '{code} 是你的 {product} 验证码',
      greeting: '你好！',
      reason: '有人正在用这个邮箱注册 {product}，用户名是“{username}”。如果是你本人，请输入以下验证码：',
      validity: '验证码 {minutes} 分钟内有效，只能使用一次。请不要告诉任何人，我们也不会向你索要。',
      link: '继续注册',
      notYou:
        '如果不是你在注册，或者“{username}”不是你填写的用户名，请不要使用这个验证码，也不要转告他人。忽略这封邮件即可：没有验证码，账号就不会创建。',
    },
    accountExists: {
      subject: '你已经有 {product} 账号了',
      greeting: '{username}，你好！',
      reason: '有人想用这个邮箱注册 {product}，但它已经属于你的账号“{username}”。你的账号没有任何变化。',
      advice: '如果是你本人，请直接用原来的密码登录。',
      notYou: '如果不是你，无需任何操作。',
    },
    footer: '这封邮件由 {product} 自动发送，请勿回复。',
  },
  agent: {
    demoIntro:
      '我是 Parley 内置的演示模型：没有连接真正的语言模型。设置 OPENAI_API_KEY（或用 OPENAI_BASE_URL 和 AGENT_MODEL 指向任何兼容 OpenAI 的服务器）后重启，我就会换成真正的模型。试着问我“现在几点”“我的资料”或“查找用户 alice”。',
    betweenSentences: '',
    demoEcho: '你说的是：“{message}”。这是你在本次对话中的第 {count} 条消息。',
    demoTime: '现在是 {local}（{timezone} 时间）。',
    demoProfile: '你是 {username}。',
    demoUser: '找到了用户 {username}。',
    demoBio: '简介：{bio}',
    demoToolFailed: '工具 {tool} 没有给出结果：{error}。',
  },
}

/** Every language has the same keys; the type checker holds them equal. */
export type Texts = typeof zhCN
