/** The demonstration model: it knows three tools and the settings that replace it, and repeats the rest. */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4Prompt,
  LanguageModelV4ToolCall,
  LanguageModelV4ToolResultPart,
  LanguageModelV4Usage,
} from '@ai-sdk/provider'
import type { ErrorCode } from '../../../errors.ts'
import { fill, textsIn } from '../../../texts/index.ts'
import type { Texts } from '../../../texts/zh-CN.ts'
import { streamOf } from './demo-stream.ts'

export const demoModel = (): LanguageModelV4 => ({
  specificationVersion: 'v4',
  provider: 'parley',
  modelId: 'demo',
  supportedUrls: {},
  doGenerate: async options => {
    const content = reply(options)
    return { content, finishReason: finishOf(content), usage: none, warnings: [] }
  },
  doStream: async options => {
    const content = reply(options)
    return { stream: streamOf(content, finishOf(content), none, options.abortSignal) }
  },
})

/** Words are free here. */
const none: LanguageModelV4Usage = {
  inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 0, text: 0, reasoning: 0 },
}

const finishOf = (content: LanguageModelV4Content[]): LanguageModelV4FinishReason => ({
  unified: content.some(({ type }) => type === 'tool-call') ? 'tool-calls' : 'stop',
  raw: undefined,
})

/** An introduction where the chat begins, then the answer or the call of a tool. */
function reply({ prompt, tools = [] }: LanguageModelV4CallOptions): LanguageModelV4Content[] {
  const asked = prompt.filter(({ role }) => role === 'user').map(textOf)
  const message = asked.at(-1) ?? ''
  const texts = textsIn(/\p{Script=Han}/u.test(message) ? 'zh-CN' : 'en')
  const { agent } = texts
  const results = resultsAtTheEnd(prompt)
  if (results.length > 0)
    return [text(results.map(result => sentencesOf(result, texts)).join(agent.betweenSentences))]

  const intro = asked.length === 1 ? [agent.demoIntro] : []
  const call = toolCallFor(message)
  if (call && tools.some(({ name }) => name === call.toolName)) return [...intro.map(text), call]
  return [text([...intro, fill(agent.demoEcho, { message, count: asked.length })].join('\n\n'))]
}

const text = (text: string): LanguageModelV4Content => ({ type: 'text', text })

const textOf = ({ content }: LanguageModelV4Prompt[number]): string =>
  typeof content === 'string'
    ? content
    : content.map(part => (part.type === 'text' ? part.text : '')).join(' ')

function resultsAtTheEnd(prompt: LanguageModelV4Prompt): LanguageModelV4ToolResultPart[] {
  const last = prompt.at(-1)
  return last?.role === 'tool' ? last.content.filter(part => part.type === 'tool-result') : []
}

/** What the tools are asked for in; each group is the argument that its tool takes. */
const intents: Array<{ tool: string; argument?: string; asked: RegExp[] }> = [
  {
    tool: 'find_user',
    argument: 'username',
    asked: [
      /\b(?:find|look up|search for)\s+(?:the\s+)?(?:user\s+)?@?([A-Za-z0-9_]{3,30})\b/i,
      /(?:查找|查询|搜索|找)(?:一下)?(?:用户)?\s*@?([A-Za-z0-9_]{3,30})/,
    ],
  },
  { tool: 'get_my_profile', asked: [/\bmy profile\b|\bwho am i\b/i, /我的(?:个人)?资料|我是谁/] },
  {
    tool: 'update_my_profile',
    argument: 'bio',
    asked: [
      /\b(?:set|change) my bio to:?\s+["“]?([^"”]+)/i,
      /(?:把)?我的简介(?:改|设)(?:成|为)[：:]?\s*[“"]?([^”"]+)/,
    ],
  },
  {
    tool: 'current_time',
    argument: 'timezone',
    asked: [
      /\b(?:(?:what|what's|what is|current|tell me) (?:the )?(?:current )?(?:time|date|day)|time is it)\b(?:.*?\b([A-Z]\w+\/[\w/]+))?/i,
      /(?:几点|时间|日期|几号|星期几)(?:.*?([A-Z]\w+\/[\w/]+))?/,
    ],
  },
]

function toolCallFor(message: string): LanguageModelV4ToolCall | null {
  for (const { tool, argument, asked } of intents) {
    const match = asked.map(pattern => pattern.exec(message)).find(match => match !== null)
    if (!match) continue
    const input = argument && match[1] ? { [argument]: match[1] } : {}
    return {
      type: 'tool-call',
      toolCallId: `call_${Bun.randomUUIDv7()}`,
      toolName: tool,
      input: JSON.stringify(input),
    }
  }
  return null
}

function sentencesOf({ toolName, output }: LanguageModelV4ToolResultPart, { agent, errors }: Texts): string {
  if (output.type !== 'text') {
    // A code, and perhaps more.
    const [code] = /^[a-z_]+/.exec(String('value' in output ? output.value : '')) ?? []
    const error = errors[code as ErrorCode] ?? errors.tool_failed
    return fill(agent.demoToolFailed, { tool: toolName, error })
  }
  const { local, timezone, username, bio } = JSON.parse(output.value) as Record<string, string | null>
  if (toolName === 'current_time')
    return fill(agent.demoTime, { local: local ?? '', timezone: timezone ?? '' })
  const who = fill(toolName === 'find_user' ? agent.demoUser : agent.demoProfile, {
    username: username ?? '',
  })
  return [who, ...(bio ? [fill(agent.demoBio, { bio })] : [])].join(agent.betweenSentences)
}
