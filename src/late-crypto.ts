/** Node's crypto, loaded with its first use: its modules would be a tenth of the start. Hashes and MACs are Bun's own. */
export const lateCrypto = () => require('node:crypto') as typeof import('node:crypto')
