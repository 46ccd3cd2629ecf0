/**
 * What arrives bit by bit, no character cut in two: a piece that ends in half a surrogate pair keeps it back for
 * the next. A half that stays one is U+FFFD, as in every decoder.
 */
export class WholeText {
  #half = ''

  /** What there is to say with this piece; '' where it has to wait. */
  join(piece: string): string {
    const text = this.#half + piece
    this.#half = isLeading(text.charCodeAt(text.length - 1)) ? text.slice(-1) : ''
    return text.slice(0, text.length - this.#half.length).toWellFormed()
  }

  /** What is left of the last piece. */
  end(): string {
    const left = this.#half.toWellFormed()
    this.#half = ''
    return left
  }
}

/** Of a surrogate pair's first half. */
const isLeading = (unit: number): boolean => (unit & 0xfc00) === 0xd800
