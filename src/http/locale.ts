import Negotiator from 'negotiator'
import type { Locale } from '../texts/index.ts'

/** Any Chinese is answered in ours rather than in a language the reader may not know. */
const understood: Record<string, Locale> = { 'zh-CN': 'zh-CN', zh: 'zh-CN', en: 'en' }

/** The language a request asks for by Accept-Language (RFC 9110, 12.5.4); the fallback where it names none of ours. */
export function localeOf(request: Request, fallback: Locale): Locale {
  const wanted = request.headers.get('accept-language')
  if (!wanted || wanted.length > 500) return fallback
  // A bare wildcard names no language.
  const [best] = new Negotiator({ headers: { 'accept-language': wanted.replace(/\*[^,]*/g, '') } }).languages(
    Object.keys(understood),
  )
  return (best && understood[best]) || fallback
}
