/** Files as people attach them, the smallest of each kind. */
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII='

export const files = {
  'image/png': Buffer.from(png, 'base64'),
  'image/jpeg': Buffer.from('ffd8ffe000104a46494600010100000100010000ffd9', 'hex'),
  'image/gif': Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64'),
  'image/webp': Buffer.from('UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEAAgA0JaQAA3AA/vuUAAA=', 'base64'),
  'text/plain': Buffer.from('To do: 买牛奶 🥛\n'),
}

export const dataUrl = (data: Uint8Array | string, type = 'application/octet-stream') =>
  `data:${type};base64,${Buffer.from(data as string).toString('base64')}`

/** A PNG of so many bytes, as far as anybody looks. */
export const pngOf = (bytes: number): Buffer =>
  Buffer.concat([files['image/png'], Buffer.alloc(bytes)], bytes)
