import { codeRules } from '../../limits.ts'
import type { Secrets } from '../../secrets.ts'
import { luaNow, type Redis, script, unavailable } from '../redis.ts'
import { type CodeRules, type Codes, codeHash } from './codes.ts'

/** Codes shared by every server on one Redis: a hash an address, in it a field an attempt. */
export class RedisCodes implements Codes {
  constructor(
    private readonly redis: Redis,
    private readonly secrets: Secrets,
    private readonly rules: CodeRules = codeRules,
  ) {}

  async issue(email: string, attemptId: string, code: string): Promise<boolean> {
    const { wrongGuesses, seconds } = this.rules
    const hash = this.#hash(email, code)
    const issued = await this.redis
      .run(issue, this.#key(email), attemptId, hash, wrongGuesses, seconds * 1000)
      .catch(unavailable)
    return issued === 1
  }

  redeem(email: string, code: string): Promise<string | null> {
    return this.redis.run(redeem, this.#key(email), this.#hash(email, code)).catch(unavailable)
  }

  #key(email: string): string {
    return `codes:${this.secrets.mac('codes', email).toString('base64url')}`
  }

  #hash(email: string, code: string): string {
    return codeHash(this.secrets, email, code).toString('base64url')
  }
}

/** The live codes of the address, by attempt; what has expired is removed. */
const luaCodes = `${luaNow}
local codes = {}
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local code = cjson.decode(fields[i + 1])
  if code.expiresAt > now then
    codes[fields[i]] = code
  else
    redis.call('HDEL', KEYS[1], fields[i])
  end
end
`

const issue = script<0 | 1>(`${luaCodes}
local attempt, hash, guesses, lifetime = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
for other, code in pairs(codes) do
  if other ~= attempt and code.hash == hash then return 0 end
end
local code = { hash = hash, guessesLeft = guesses, expiresAt = now + lifetime }
redis.call('HSET', KEYS[1], attempt, cjson.encode(code))
-- The newest code is the last to expire.
redis.call('PEXPIRE', KEYS[1], lifetime)
return 1
`)

const redeem = script<string | null>(`${luaCodes}
for attempt, code in pairs(codes) do
  if code.hash == ARGV[1] then
    redis.call('HDEL', KEYS[1], attempt)
    return attempt
  end
end
for attempt, code in pairs(codes) do
  code.guessesLeft = code.guessesLeft - 1
  if code.guessesLeft > 0 then
    redis.call('HSET', KEYS[1], attempt, cjson.encode(code))
  else
    redis.call('HDEL', KEYS[1], attempt)
  end
end
return nil
`)
