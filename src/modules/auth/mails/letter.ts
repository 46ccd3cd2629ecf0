/**
 * What a mail says, from top to bottom, and its two forms. Both are made from the same blocks, so that
 * neither can lack what the other says, and everything is escaped in one place.
 */
import type { Locale } from '../../../texts/index.ts'

export type Letter = { subject: string; blocks: Block[] }

export type Block =
  | { say: string }
  /** Stands alone and unspaced, to be read and copied. */
  | { code: string }
  | { link: string; label: string }
  /** What matters less. */
  | { note: string }

export const plainText = ({ blocks }: Letter): string => `${blocks.map(textOf).join('\n\n')}\n`

function textOf(block: Block): string {
  if ('link' in block) return `${block.label}\n${block.link}`
  if ('code' in block) return block.code
  return 'say' in block ? block.say : block.note
}

/**
 * One column, readable without its styles. Text has the colours of the reader's client, light or dark; the
 * greys are see-through, so that they suit both.
 */
export const html = ({ subject, blocks }: Letter, locale: Locale): string => `<!doctype html>
<html lang="${locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no">
<title>${Bun.escapeHTML(subject)}</title>
<style>:root { color-scheme: light dark; supported-color-schemes: light dark }</style>
</head>
<body style="margin: 0; padding: 24px 16px">
<div style="max-width: 480px; margin: 0 auto; font: 16px/1.6 system-ui, -apple-system, 'Segoe UI', Roboto, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif; overflow-wrap: anywhere">
${blocks.map(htmlOf).join('\n')}
</div>
</body>
</html>
`

const codeStyle =
  "margin: 24px 0; padding: 16px; border: 1px solid #8888; border-radius: 8px; background: #8882; text-align: center; font: 700 36px/1.2 ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; letter-spacing: 4px; -webkit-user-select: all; user-select: all"
const buttonStyle =
  'display: inline-block; padding: 10px 20px; border-radius: 8px; background: #2563eb; color: #ffffff; text-decoration: none'
const noteStyle = 'margin: 16px 0; font-size: 14px; opacity: 0.7'

function htmlOf(block: Block): string {
  if ('code' in block) return `<p style="${codeStyle}">${Bun.escapeHTML(block.code)}</p>`
  if ('link' in block)
    return `<p style="margin: 24px 0"><a href="${Bun.escapeHTML(block.link)}" style="${buttonStyle}">${Bun.escapeHTML(block.label)}</a></p>`
  if ('note' in block) return `<p style="${noteStyle}">${Bun.escapeHTML(block.note)}</p>`
  return `<p style="margin: 16px 0">${Bun.escapeHTML(block.say)}</p>`
}
