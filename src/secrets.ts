/** The one secret of an installation, and the keys derived from it. Nothing here is ever logged. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StartError } from './errors.ts'
import { lateCrypto } from './late-crypto.ts'

type Purpose = 'codes' | 'refresh-tokens' | 'outbox' | 'clients' | 'cursors'

const leastBytes = 32

export class Secrets {
  readonly #keys = new Map<Purpose, Buffer>()

  /** @param jwtSecret at least 32 bytes; signs access tokens as it is, so that others can verify them */
  constructor(readonly jwtSecret: string) {}

  /** JWT_SECRET, or the one generated at the first start and kept in the data folder. */
  static of(jwtSecret: string | undefined, dataDir: string): Secrets {
    if (jwtSecret) return new Secrets(jwtSecret)
    const file = join(dataDir, 'secret')
    if (!existsSync(file)) generate(file)
    const kept = readFileSync(file, 'utf8').trim()
    if (Buffer.byteLength(kept) < leastBytes)
      throw new StartError(
        `${file} holds no secret of at least ${leastBytes} bytes. Restore it; or delete it, which signs everybody out.`,
      )
    return new Secrets(kept)
  }

  /** HMAC-SHA-256 under a key of the purpose's own. */
  mac(purpose: Purpose, data: string | Uint8Array): Buffer {
    return new Bun.CryptoHasher('sha256', this.#key(purpose)).update(data).digest()
  }

  /** AES-256-GCM: nonce, tag, ciphertext. */
  seal(purpose: Purpose, text: string): Buffer {
    const nonce = lateCrypto().randomBytes(12)
    const cipher = lateCrypto().createCipheriv('aes-256-gcm', this.#key(purpose), nonce)
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed])
  }

  /** The text that was sealed; throws when it was sealed under another secret or changed. */
  open(purpose: Purpose, sealed: Uint8Array): string {
    const decipher = lateCrypto().createDecipheriv('aes-256-gcm', this.#key(purpose), sealed.subarray(0, 12))
    decipher.setAuthTag(sealed.subarray(12, 28))
    return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8')
  }

  #key(purpose: Purpose): Buffer {
    let key = this.#keys.get(purpose)
    if (!key) {
      key = Buffer.from(lateCrypto().hkdfSync('sha256', this.jwtSecret, 'parley', purpose, 32))
      this.#keys.set(purpose, key)
    }
    return key
  }
}

/** Whole or not at all, also when the power goes. */
function generate(file: string): void {
  writeFileSync(`${file}.new`, lateCrypto().randomBytes(48).toString('base64url'), {
    mode: 0o600,
    flush: true,
  })
  renameSync(`${file}.new`, file)
}
