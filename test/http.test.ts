import { describe, expect, test } from 'bun:test'
import { clientAddress } from '../src/http/client.ts'

describe('the client, for limits', () => {
  const cases: Array<[string, string | null, number, string]> = [
    ['192.0.2.1', null, 0, '192.0.2.1'],
    ['192.0.2.1', '198.51.100.1', 0, '192.0.2.1'],
    ['192.0.2.1', '198.51.100.1', 1, '198.51.100.1'],
    ['192.0.2.1', '203.0.113.9, 198.51.100.1', 1, '198.51.100.1'],
    ['192.0.2.1', '203.0.113.9, 198.51.100.1', 2, '203.0.113.9'],
    ['192.0.2.1', '198.51.100.1', 5, '198.51.100.1'],
    ['192.0.2.1', null, 1, '192.0.2.1'],
    ['192.0.2.1', 'rubbish', 1, '192.0.2.1'],
    ['192.0.2.1', '', 1, '192.0.2.1'],
    ['::ffff:192.0.2.1', null, 0, '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', null, 0, '2001:db8:1:2::/64'],
    ['2001:db8:1:2:ffff::1', null, 0, '2001:db8:1:2::/64'],
    ['', null, 0, 'unknown'],
  ]
  test.each(cases)(
    'socket %s, X-Forwarded-For %s, %d trusted: %s',
    (socket, forwarded, trusted, expected) => {
      expect(clientAddress(socket, forwarded, trusted)).toBe(expected)
    },
  )
})
