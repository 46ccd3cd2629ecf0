/** The headers that the reference describes. */
export const headers = {
  'X-Request-Id': {
    description: "The request's id, as in the log; the caller's own where it sent one",
    schema: { type: 'string' },
    example: '5e6d1c0a-0b77-4f2e-9d3a-7a1f8a2c9b10',
  },
  'Content-Language': {
    description: 'The language of `detail`',
    schema: { type: 'string', enum: ['zh-CN', 'en'] },
    example: 'en',
  },
  'Retry-After': {
    description: 'Seconds until another try makes sense',
    schema: { type: 'integer', minimum: 1 },
    example: 10,
  },
  'WWW-Authenticate': {
    description: 'How to authenticate (RFC 6750)',
    schema: { type: 'string' },
    example: 'Bearer',
  },
  Allow: {
    description: 'With 405: the methods there are',
    schema: { type: 'string' },
    example: 'GET, HEAD, PATCH',
  },
}

export const acceptLanguage = {
  name: 'Accept-Language',
  in: 'header',
  description: 'The language of `detail` and of mails: zh-CN or en',
  schema: { type: 'string', examples: ['en'] },
}

/** References to those of the names that are described; case does not matter. */
export function headersNamed(...names: string[]): Record<string, { $ref: string }> {
  const wanted = new Set(names.map(name => name.toLowerCase()))
  const known = Object.keys(headers).filter(name => wanted.has(name.toLowerCase()))
  return Object.fromEntries(known.map(name => [name, { $ref: `#/components/headers/${name}` }]))
}
