import type { Locale } from '../../texts/index.ts'

/** Who sends a request without being signed in: the client's network address, and the language they read. */
export type Visitor = { client: string; locale: Locale }
