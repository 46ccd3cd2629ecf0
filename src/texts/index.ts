/** What people read, in their language. */
import { en } from './en.ts'
import { type Texts, zhCN } from './zh-CN.ts'

export const locales = ['zh-CN', 'en'] as const
export type Locale = (typeof locales)[number]

const texts: Record<Locale, Texts> = { 'zh-CN': zhCN, en }

export const textsIn = (locale: Locale): Texts => texts[locale]

/** Puts values into the {placeholders} of a sentence. */
export const fill = (sentence: string, params: Record<string, string | number> = {}): string =>
  sentence.replace(/\{(\w+)\}/g, (whole, name) => String(params[name] ?? whole))
