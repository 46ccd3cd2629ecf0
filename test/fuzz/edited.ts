import fc from 'fast-check'

/** A text with a few places changed: characters left out, others put in. Never the text itself. */
export const edited = (
  text: string,
  unit: fc.Arbitrary<string> = fc.string({ unit: 'binary', maxLength: 1 }),
) =>
  fc
    .array(
      fc.record({
        at: fc.oneof(
          fc.nat(text.length),
          fc.nat(Math.min(2, text.length)).map(back => text.length - back),
        ),
        without: fc.oneof({ weight: 4, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat(text.length) }),
        with: fc.array(unit, { maxLength: 3 }).map(units => units.join('')),
      }),
      { minLength: 1, maxLength: 3 },
    )
    .map(edits =>
      edits.reduce(
        (text, edit) => text.slice(0, edit.at) + edit.with + text.slice(edit.at + edit.without),
        text,
      ),
    )
    .filter(other => other !== text)
