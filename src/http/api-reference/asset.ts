import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import Negotiator from 'negotiator'

/** Something to be downloaded: compressed once, and sent only to who does not have it yet. */
export class Asset {
  private constructor(
    /** Of the content. */
    readonly hash: string,
    private readonly plain: Uint8Array<ArrayBuffer>,
    private readonly gzipped: Uint8Array<ArrayBuffer>,
    private readonly headers: Record<string, string>,
  ) {}

  static async of(
    content: string | Uint8Array<ArrayBuffer>,
    headers: { 'content-type': string; [name: string]: string },
  ): Promise<Asset> {
    const plain = typeof content === 'string' ? new TextEncoder().encode(content) : content
    return new Asset(Bun.hash(plain).toString(36), plain, await promisify(gzip)(plain), headers)
  }

  answer(request: Request): Response {
    // Weak, since it stands for both encodings (RFC 9110, 8.8.3).
    const etag = `W/"${this.hash}"`
    const headers = { ...this.headers, etag, vary: 'Accept-Encoding' }
    if (request.headers.get('if-none-match')?.includes(etag))
      return new Response(null, { status: 304, headers })
    return takesGzip(request)
      ? new Response(this.gzipped, { headers: { ...headers, 'content-encoding': 'gzip' } })
      : new Response(this.plain, { headers })
  }
}

const takesGzip = (request: Request): boolean =>
  new Negotiator({
    headers: { 'accept-encoding': request.headers.get('accept-encoding') ?? 'identity' },
  }).encoding(['gzip', 'identity']) === 'gzip'
