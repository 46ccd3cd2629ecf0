/** What is read out of headers that anybody may fill: the language, and who the client is. */
import { describe, expect } from 'bun:test'
import fc from 'fast-check'
import { clientAddress } from '../../src/http/client.ts'
import { localeOf } from '../../src/http/locale.ts'
import { type Locale, locales } from '../../src/texts/index.ts'
import { holds } from './holds.ts'

/** What a header can carry. */
const headerText: fc.Arbitrary<string> = fc.stringMatching(/^[\t -~\u0080-\u00ff]{0,200}$/)

describe('the language', () => {
  const asked = (header: string, fallback: Locale = 'en') =>
    localeOf(new Request('http://localhost', { headers: { 'accept-language': header } }), fallback)
  const fallback = fc.constantFrom(...locales)
  const chinese = fc.constantFrom('zh', 'zh-CN', 'zh-TW', 'zh-Hant-HK', 'ZH-cn')
  const english = fc.constantFrom('en', 'en-GB', 'EN-us')
  const foreign = fc.constantFrom('fr', 'de-CH', 'x-klingon', '*', 'i', 'zhx', 'enx')
  const weight = fc.integer({ min: 1, max: 999 }).map(thousandth => thousandth / 1000)
  const space = fc.constantFrom('', ' ', '\t')

  holds('is one of ours whatever is asked for, even if that is no language', () =>
    fc.property(headerText, fallback, (header, fallback) =>
      expect(locales).toContain(asked(header, fallback)),
    ),
  )

  holds('is the one preferred, among any others and in any spelling', () =>
    fc.property(
      chinese,
      english,
      weight,
      weight,
      fc.array(foreign),
      space,
      fallback,
      (zh, en, q1, q2, others, space, fallback) => {
        fc.pre(q1 !== q2)
        const header = [...others, `${zh};q=${q1}`, `${en}${space};${space}q=${q2}`].join(`${space},${space}`)
        expect(asked(header, fallback)).toBe(q1 > q2 ? 'zh-CN' : 'en')
      },
    ),
  )

  holds('is the default where none of ours is wanted', () =>
    fc.property(fc.array(foreign), chinese, english, fallback, (others, zh, en, fallback) =>
      expect(asked([...others, `${zh};q=0`, `${en};q=0.000`].join(','), fallback)).toBe(fallback),
    ),
  )
})

describe('the client', () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6())
  const hops = fc.array(address, { minLength: 1, maxLength: 5 })

  holds('is an address whatever the header says, or nobody', () =>
    fc.property(fc.option(headerText, { nil: null }), address, fc.nat(10), (header, socket, trusted) =>
      expect(clientAddress(socket, header, trusted)).toMatch(/^[\da-f.:]+(::\/64)?$/),
    ),
  )

  holds('is whom the outermost trusted proxy saw, whatever the client has claimed', () =>
    fc.property(headerText, hops, (claimed, [seen = '', ...proxies]) => {
      // Each proxy appends whom it saw; the last is the socket's other end.
      const through = [claimed, seen, ...proxies]
      const socket = through.pop()!
      const client = clientAddress(socket, through.join(','), proxies.length)
      expect(client).toBe(clientAddress(seen, null, 0))
    }),
  )

  holds('is the same however its address is written', () =>
    fc.property(
      fc.ipV4(),
      fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 }),
      (v4, parts) => {
        const client = (address: string) => clientAddress(address, null, 0)
        const full = parts.map(part => part.toString(16).padStart(4, '0')).join(':')
        expect(client(full.toUpperCase())).toBe(client(new URL(`http://[${full}]`).hostname.slice(1, -1)))
        expect(client(`::ffff:${v4}`)).toBe(client(v4))
      },
    ),
  )

  holds('is one household of IPv6: its last 64 bits do not count', () =>
    fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 12, maxLength: 12 }), parts => {
      const hex = parts.map(part => part.toString(16))
      const [prefix, one, other] = [hex.slice(0, 4), hex.slice(4, 8), hex.slice(8)]
      fc.pre(prefix.some(part => part !== '0'))
      const client = (host: string[]) => clientAddress([...prefix, ...host].join(':'), null, 0)
      expect(client(one)).toBe(client(other))
    }),
  )
})
