/**
 * Texts and questions as the index of words has them. Scripts without spaces are cut into characters, so that any
 * piece of them is found, as a phrase. Each word bears its owner's mark: a person's words stand together in the
 * index, and no question looks at those of others.
 *
 * What is in the index was cut by these rules: to change them takes a migration that has all of it read anew. How much
 * of a text is found is none of them.
 */

/** In characters; of a longer text the beginning is found. */
const textLimit = 20_000

const unspaced = ['Han', 'Hiragana', 'Katakana', 'Hangul', 'Thai', 'Lao', 'Khmer', 'Myanmar', 'Tibetan']
const single = unspaced.map(script => `\\p{sc=${script}}`).join('')
const word = new RegExp(`[${single}]|[[\\p{L}\\p{N}\\p{M}]--[${single}]]+`, 'gv')
const isSingle = new RegExp(`^[${single}]$`, 'v')
const accents = /[\u0300-\u036f]/g

/** For the index. */
export const markedWords = (owner: string, text: string): string =>
  wordsOf(text.trimStart().slice(0, textLimit))
    // Some characters are written out as several words.
    .slice(0, textLimit)
    .map(word => markOf(owner) + word)
    .join(' ')

/**
 * The question in FTS5's words: every piece of it, the last as the beginning of a word. Null where there is no
 * word in it.
 */
export function matchFor(owner: string, question: string): string | null {
  const pieces = question
    .split(/\s/)
    .map(wordsOf)
    .filter(words => words.length > 0)
  const last = pieces.at(-1)?.at(-1)
  if (last === undefined) return null
  const phrases = pieces.map(words => `"${words.map(word => markOf(owner) + word).join(' ')}"`)
  return phrases.join(' AND ') + (isSingle.test(last) ? '' : ' *')
}

/** Widths, cases and accents make no difference. */
const wordsOf = (text: string): string[] => {
  const plain = text.normalize('NFKD').replace(accents, '').normalize('NFC')
  return (plain.match(word) ?? []).map(word => word.toLowerCase())
}

/** The end of a UUIDv7 is random. Where two people's are the same, the chats' owner still tells them apart. */
const markOf = (owner: string): string => owner.slice(-8)
