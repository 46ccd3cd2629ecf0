/**
 * Every rate limit and budget, once: at most `times` within any `seconds`, as a sliding log, so that no
 * window edge doubles it. `per` says what is counted; `withoutStore` what happens while Redis is away:
 * go on with counters of this process, or refuse, where a code could not be kept either.
 */
const minute = 60
const hour = 60 * minute

export type Limit = {
  times: number
  seconds: number
  per: 'client' | 'address' | 'address and client' | 'attempt'
  withoutStore: 'in_process' | 'refuse'
  why: string
}

const limit = (
  times: number,
  seconds: number,
  per: Limit['per'],
  withoutStore: Limit['withoutStore'],
  why: string,
): Limit => ({ times, seconds, per, withoutStore, why })

export const limits = {
  sign_up: limit(
    20,
    10 * minute,
    'client',
    'refuse',
    'Each costs a hash of 35 ms; a household or a class behind one address needs fewer.',
  ),
  resend: limit(20, 10 * minute, 'client', 'refuse', 'As sign-up.'),
  verify: limit(
    30,
    10 * minute,
    'client',
    'refuse',
    'Slow enough that one client cannot walk through codes of many addresses; right codes are given back.',
  ),
  sign_in: limit(
    30,
    10 * minute,
    'client',
    'in_process',
    'Stops many accounts being tried from one client; right passwords are given back, so an office behind one address is not locked out.',
  ),
  sign_in_account: limit(
    10,
    15 * minute,
    'address',
    'in_process',
    'Stops one account being tried from many clients: 960 guesses a day in all, whatever the botnet. Live sessions are untouched.',
  ),
  sign_in_known_client: limit(
    10,
    15 * minute,
    'address and client',
    'in_process',
    'A client that holds a live session of the account has a bucket of its own, so strangers cannot lock the owner out there.',
  ),
  code_guess: limit(
    10,
    hour,
    'address',
    'refuse',
    'Guesses across all codes of an address: with at most five live codes of six digits, 50 in a million an hour.',
  ),
  code_mail: limit(5, hour, 'address', 'refuse', "Nobody can fill a stranger's mailbox through us."),
  notice_mail: limit(
    1,
    hour,
    'address',
    'refuse',
    'The owner of an account hears of sign-ups on their address, but is not pestered.',
  ),
  attempt_mail: limit(1, minute, 'attempt', 'refuse', 'The cool-down people know from a resend button.'),
} satisfies Record<string, Limit>

export type LimitName = keyof typeof limits

/** Of one code: wrong guesses it survives, and how long it lives. */
export const codeRules = { digits: 6, wrongGuesses: 5, seconds: 10 * minute }

/** A sign-up attempt can be resent to this long. */
export const attemptSeconds = hour

/** How long a mail that cannot be sent is tried: a code is worthless once it has expired, the notice still news the day after. */
export const mailSeconds = { sign_up_code: codeRules.seconds, account_exists: 24 * hour }

export const sessionRules = {
  accessTokenSeconds: hour,
  /** Sliding: counted from the last refresh. */
  refreshTokenSeconds: 30 * 24 * hour,
  /** The token before is still answered this long: a lost answer, several tabs at once. */
  reuseGraceSeconds: 10,
}

/**
 * How long a connection may be silent, or not read, before it is cut. One whose request came with a body is not
 * while it waits for its answer: that is Bun's way, and a test holds it.
 */
export const idleSeconds = 30

/** Of one message. An image counts as so many tokens of the context. */
export const attachmentRules = { count: 10, bytes: 10 * 1024 * 1024, nameLength: 255, imageTokens: 1500 }

const inBase64 = (bytes: number) => Math.ceil(bytes / 3) * 4

/** Bytes of a request body. */
export const bodyBytes = 64 * 1024

/** What of a body there may be: so much in all that is no file, and so much of files, in data URLs or a form. */
export type BodyLimit = { bytes: number; files: number; forms?: boolean }

/** Of a client that sends the whole conversation each time, and with it what was attached before. */
const conversation: BodyLimit = { bytes: 1024 * 1024, files: 2 * inBase64(attachmentRules.bytes) }

/** Of bodies that hold more, by route. */
const bodyLimits: Record<string, BodyLimit> = {
  '/api/v1/agent-chats': { bytes: bodyBytes, files: inBase64(attachmentRules.bytes), forms: true },
  '/api/v1/agent-chats/ui': conversation,
  '/api/v1/agent-chats/ag-ui': conversation,
  '/api/v1/openai/chat/completions': conversation,
}

export const bodyLimitOf = (route: string): BodyLimit => bodyLimits[route] ?? { bytes: bodyBytes, files: 0 }

/**
 * Bodies over 64 KiB that are read at once, in bytes: of one user, and of all. Others wait their turn, unread,
 * and not for ever; nor may one take for ever to arrive.
 */
export const largeBodies = {
  ofUser: 32 * 1024 * 1024,
  ofAll: 64 * 1024 * 1024,
  waitSeconds: 10,
  readSeconds: 120,
}

/** Password hashes waiting for a free core; beyond it 503. At 35 ms each the last waits about 4 s on two cores. */
export const hashQueue = 128
