/** A short run, as the API reference shows it. */
import type { EventView } from './schema.ts'

export const exampleIds = {
  session_id: '019e18ee-7aa0-7001-8c6e-3f1f6a0c2d11',
  run_id: '019e18ee-7aa1-7000-9a51-5b8d0e6a7c22',
}
const { session_id, run_id } = exampleIds
const message_id = '019e18ee-7c35-7000-b2f4-91c3d5e8fa33'
const asking = '019e18ee-7b10-7000-8d27-60b1c4f9ae44'
const resulting = '019e18ee-7b52-7000-a3b8-2c7e9f1d6b55'
const call = { tool_call_id: 'call_8Kx2mVq7', tool_name: 'current_time' }
const output = 'It is six in the evening in Shanghai.'
const result = JSON.stringify({
  utc: '2026-11-22T10:00:00.000Z',
  timezone: 'Asia/Shanghai',
  local: '2026-11-22 18:00:00',
  day: 'Sunday',
})

export const exampleAnswer = {
  session_id,
  output,
  events: [
    event('RUN_STARTED', { session_id }),
    event('TOOL_CALL_START', { message_id: asking, ...call }),
    event('TOOL_CALL_ARGS', { tool_call_id: call.tool_call_id, args: '{"timezone":"Asia/Shanghai"}' }),
    event('TOOL_CALL_END', { tool_call_id: call.tool_call_id }),
    event('TOOL_CALL_RESULT', { message_id: resulting, ...call, result }),
    event('TEXT_MESSAGE_START', { message_id }),
    event('TEXT_MESSAGE_CONTENT', { message_id, delta: 'It is six in the evening ' }),
    event('TEXT_MESSAGE_CONTENT', { message_id, delta: 'in Shanghai.' }),
    event('TEXT_MESSAGE_END', { message_id }),
    event('RUN_FINISHED', { output }),
  ],
}

export const exampleUiChat = {
  session_id,
  messages: [
    {
      id: 'Jm5xVq8PzWk3TbLd',
      role: 'user' as const,
      parts: [{ type: 'text', text: 'What time is it in Shanghai?' }],
    },
    {
      id: asking,
      role: 'assistant' as const,
      parts: [
        { type: 'step-start' },
        {
          type: 'tool-current_time',
          toolCallId: call.tool_call_id,
          state: 'output-available',
          input: { timezone: 'Asia/Shanghai' },
          output: JSON.parse(result),
        },
        { type: 'step-start' },
        { type: 'text', text: output, state: 'done' },
      ],
    },
  ],
}

export const exampleAttachment = {
  id: '019e18ee-7aa0-7003-8b5e-7d1c9a3f4e99',
  name: 'clock.png',
  type: 'image/png',
  bytes: 48_213,
}

export const exampleRun = {
  id: run_id,
  session_id,
  status: 'finished',
  model: 'gpt-5-mini',
  message_id: '019e18ee-7aa0-7002-9f10-0c6d2e4b8a77',
  answer_id: asking,
  error: null,
  interrupts: [],
  usage: {
    input_tokens: 512,
    cached_input_tokens: 0,
    output_tokens: 24,
    reasoning_tokens: 0,
    estimated: false,
  },
  started_at: '2026-11-22T10:00:00.000Z',
  ended_at: '2026-11-22T10:00:01.500Z',
}

export const exampleChat = {
  id: session_id,
  title: 'The time in Shanghai',
  created_at: '2026-11-22T10:00:00.000Z',
  updated_at: '2026-11-22T10:00:01.500Z',
  head_message_id: message_id,
  run: null,
}

const said = {
  run_id,
  run_status: 'finished',
  run_error: null,
  created_at: '2026-11-22T10:00:01.500Z',
  attachments: [],
  tool_calls: [],
  tool_call_id: null,
  tool_name: null,
  result: null,
  error: null,
  version: 1,
  siblings: [],
}

export const exampleMessages = [
  { ...said, id: message_id, role: 'assistant', parent_id: resulting, content: output },
  { ...said, id: resulting, role: 'tool', parent_id: asking, content: '', ...call, result },
  {
    ...said,
    id: asking,
    role: 'assistant',
    parent_id: exampleRun.message_id,
    content: '',
    tool_calls: [{ id: call.tool_call_id, name: call.tool_name, args: '{"timezone":"Asia/Shanghai"}' }],
  },
]

function event(type: string, members: Partial<EventView>): EventView {
  return {
    type,
    run_id,
    message_id: null,
    delta: null,
    tool_name: null,
    result: null,
    output: null,
    error: null,
    ...members,
  }
}
