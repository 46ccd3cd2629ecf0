import type { LimitName } from '../../limits.ts'
import type { Secrets } from '../../secrets.ts'
import { luaNow, type Redis, script, unavailable } from '../redis.ts'
import { hashedKey, type Limiter, type LimitTable, type Taken } from './limiter.ts'
import { taken } from './sliding-log.ts'

/** Limits shared by every server on one Redis. `take` rejects whatever the limit while Redis is away. */
export class RedisLimiter implements Limiter {
  constructor(
    private readonly redis: Redis,
    private readonly secrets: Secrets,
    private readonly limits: LimitTable,
  ) {}

  async take(limit: LimitName, key: string): Promise<Taken> {
    const { times, seconds } = this.limits[limit]
    const wait = await this.redis.run(take, this.#key(limit, key), times, seconds * 1000).catch(unavailable)
    return taken(wait)
  }

  async giveBack(limit: LimitName, key: string): Promise<void> {
    // With Redis away the count stands until it slides out.
    await this.redis.run(giveBack, this.#key(limit, key)).catch(() => {})
  }

  #key(limit: LimitName, key: string): string {
    return `limit:${limit}:${hashedKey(this.secrets, key)}`
  }
}

/** `slide` of sliding-log.ts. */
const take = script<number>(`${luaNow}
local times, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local hits, wait = {}, 0
for _, at in ipairs(cjson.decode(redis.call('GET', KEYS[1]) or '[]')) do
  at = math.min(at, now)
  if at > now - window then hits[#hits + 1] = at end
end
if #hits < times then
  hits[#hits + 1] = now
else
  wait = hits[#hits - times + 1] + window - now
end
redis.call('SET', KEYS[1], cjson.encode(hits), 'PX', hits[#hits] + window - now)
return wait
`)

const giveBack = script<null>(`
local hits = cjson.decode(redis.call('GET', KEYS[1]) or '[]')
table.remove(hits)
if #hits > 0 then
  redis.call('SET', KEYS[1], cjson.encode(hits), 'KEEPTTL')
else
  redis.call('DEL', KEYS[1])
end
`)
