/**
 * Refresh tokens and their rotation (RFC 9700, 4.14.2). A token is its session's id, a generation and a MAC
 * of both under a key that is not in the database: nothing replayable is stored, every token ever issued
 * is still recognised, and the successor of a token can be worked out again for whoever lost the answer.
 */
import { sessionRules } from '../../limits.ts'
import type { Secrets } from '../../secrets.ts'

export type RefreshClaim = { sessionId: string; generation: number }

const idBytes = 16
const claimBytes = idBytes + 4
const macBytes = 32

export class RefreshTokens {
  constructor(private readonly secrets: Secrets) {}

  issue({ sessionId, generation }: RefreshClaim): string {
    const claim = Buffer.alloc(claimBytes)
    claim.write(sessionId.replaceAll('-', ''), 'hex')
    claim.writeUInt32BE(generation, idBytes)
    return Buffer.concat([claim, this.secrets.mac('refresh-tokens', claim)]).toString('base64url')
  }

  /** What the token claims, or null where it is not one of ours. */
  read(token: string): RefreshClaim | null {
    const bytes = Buffer.from(token, 'base64url')
    // The decoder overlooks foreign characters; only the one spelling is taken.
    if (bytes.length !== claimBytes + macBytes || bytes.toString('base64url') !== token) return null
    const claim = bytes.subarray(0, claimBytes)
    if (!crypto.timingSafeEqual(bytes.subarray(claimBytes), this.secrets.mac('refresh-tokens', claim)))
      return null
    const hex = claim.toString('hex', 0, idBytes)
    const sessionId = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    return { sessionId, generation: claim.readUInt32BE(idBytes) }
  }
}

export type Verdict = 'rotate' | 'repeat' | 'theft' | 'invalid'

/**
 * What becomes of a session whose token of this generation is presented: the current one is rotated; the one
 * before is answered with the current one again for a short while; any other earlier one was stolen, here
 * or before.
 */
export function judge(
  session: { generation: number; rotatedAt: number },
  generation: number,
  now: number,
): Verdict {
  if (generation === session.generation) return 'rotate'
  if (generation > session.generation) return 'invalid' // only after a restored backup
  // Either way: it does not grow longer by a clock that was set back.
  const inGrace = Math.abs(now - session.rotatedAt) <= sessionRules.reuseGraceSeconds * 1000
  return generation === session.generation - 1 && inGrace ? 'repeat' : 'theft'
}
