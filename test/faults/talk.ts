/** What the model says where a case does not have it say something else. */
import { end, type Script, word } from '../harness/model.ts'

export const answerTo = (message: string): string => `An answer to ${message} that takes a while.`

export const recall = 'Recall '

/** Word by word; but at once to who only wants to know what the model was sent. */
export function talk(asked: string): Script {
  const message = asked.split('\n\n').at(-1)!
  return async function* () {
    for (const [piece] of answerTo(message).matchAll(/\S+\s*/g)) {
      yield word(piece)
      if (!message.startsWith(recall)) await Bun.sleep(15)
    }
    yield end
  }
}
