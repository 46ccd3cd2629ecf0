import ipaddr from 'ipaddr.js'

/**
 * Who the client is, for limits: the socket's address, or, behind `trusted` proxies, the one that the
 * outermost of them saw, counted from the right of X-Forwarded-For (what stands further left is the
 * client's own claim). An IPv6 client counts as its /64, which is what one household is given.
 */
export function clientAddress(socketAddress: string, forwardedFor: string | null, trusted: number): string {
  const seen = [...(forwardedFor?.split(',') ?? []), socketAddress].map(part => part.trim())
  return network(seen[Math.max(0, seen.length - 1 - trusted)] ?? '') ?? network(socketAddress) ?? 'unknown'
}

function network(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return undefined
  const parsed = ipaddr.process(address)
  return parsed.kind() === 'ipv4'
    ? parsed.toString()
    : `${(parsed as ipaddr.IPv6).parts
        .slice(0, 4)
        .map(part => part.toString(16))
        .join(':')}::/64`
}
