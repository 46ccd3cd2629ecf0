import type { Texts } from './zh-CN.ts'

export const en: Texts = {
  errors: {
    invalid_request: 'The request is not valid; see "errors" for the fields to correct.',
    malformed_json: 'The body is not valid JSON.',
    unsupported_media_type: 'Send the body as JSON, with Content-Type: application/json.',
    body_too_large: 'The body is too large; at most {max} bytes are taken.',
    bad_host: 'The Host header is not valid.',
    unauthenticated: 'You are not signed in, or no longer. Sign in again.',
    invalid_credentials: 'The e-mail address or the password is wrong.',
    invalid_code: 'The code is wrong or has expired.',
    invalid_refresh_token: 'Your session has ended. Sign in again.',
    forbidden: 'You may not see this.',
    not_found: 'There is nothing at {path}.',
    user_not_found: 'There is no such user.',
    chat_not_found: 'There is no such chat.',
    method_not_allowed: '{method} is not possible here; use {allow}.',
    username_taken: 'This username is taken. Choose another.',
    redirect_not_allowed: 'redirect_to is not allowed: its origin is not in REDIRECT_ALLOW_LIST.',
    rate_limited: 'Too many requests. Try again in {seconds} seconds.',
    too_many_runs: 'You have {max} answers under way, which is the most. Wait for one to end.',
    run_in_progress: 'This chat is still answering the message before. Wait for it to end.',
    model_failed: 'The language model failed. Try again later.',
    model_rejected_key: "The language model refused this server's key or model name. Tell the administrator.",
    model_cut_off: 'The language model broke off in the middle of the answer; what came is kept.',
    model_rate_limited: 'The language model is busy. Try again in {seconds} seconds.',
    model_unreachable: 'The language model cannot be reached. Try again in {seconds} seconds.',
    model_timeout: 'The language model did not answer in time. Try again.',
    answer_too_long: 'The answer was too long and has been cut.',
    run_interrupted: 'The answer was interrupted because the server stopped. Send the message again.',
    server_busy: 'The server is busy. Try again in {seconds} seconds.',
    codes_unavailable: 'Codes are not available at the moment. Try again in {seconds} seconds.',
    storage_unavailable: 'Nothing can be saved at the moment. Try again in {seconds} seconds.',
    stopping: 'The server is restarting. Try again in {seconds} seconds.',
    internal_error: 'Something went wrong on our side. Try again later; the request id is {id}.',
  },
  fields: {
    required: 'is required',
    type: 'must be of type {type}',
    minLength: 'must have at least {min} characters',
    maxLength: 'must have at most {max} characters',
    pattern: 'has the wrong format',
    format: 'must be a valid {format}',
    invalid: 'is not valid',
  },
  mails: {
    signUpCode: {
      subject: '{code} is your {product} code',
      greeting: 'Hello,',
      reason:
        'somebody is signing up to {product} with this address, as "{username}". If it is you, enter this code:',
      validity: 'It is good for {minutes} minutes and for one use. Do not tell it to anybody.',
      link: 'Back to the sign-up page:',
      notYou:
        'If it is not you, or this is not the username you chose, ignore this mail: without the code no account is made.',
    },
    accountExists: {
      subject: 'You already have a {product} account',
      greeting: 'Hello {username},',
      reason:
        'somebody tried to sign up to {product} with this address, but it belongs to your account "{username}" already. Nothing about your account has changed.',
      advice: 'If it was you, sign in with the password you have.',
      notYou: 'If it was not you, there is nothing to do.',
    },
  },
  agent: {
    demoIntro:
      'I am the demonstration model built into Parley: no real language model is connected. Set OPENAI_API_KEY (or OPENAI_BASE_URL and AGENT_MODEL for any OpenAI-compatible server) and restart, and a real model takes my place. Try asking me "what time is it", "my profile" or "find user alice".',
    demoEcho: 'You said: {message}',
    demoCount: 'This is your message number {count} in this chat.',
    demoTool: 'The tool {tool} answered: {result}',
  },
}
