/** A chat as its person knows it: what must be in it, and what may be. */
import { must } from './case.ts'
import { answerTo } from './talk.ts'

/** The whole of a message, and what of it must be there: all, what was heard of an answer, or perhaps nothing. */
export type Said = { role: string; whole: string; heard: string }

/** How far an answer was heard: that it began, what it said, that it was over. */
export type Heard = { began: boolean; said: string; over: boolean }

export type ModelMessage = { role: string; content: string | Array<{ text?: string }> }

export class Chat {
  readonly id = Bun.randomUUIDv7()
  said: Said[] = []

  tell(message: string, { began, said, over }: Heard): void {
    this.said.push({ role: 'user', whole: message, heard: began ? message : '' })
    const whole = over ? said : answerTo(message)
    if (whole) this.said.push({ role: 'assistant', whole, heard: said })
  }

  /**
   * Compares with what the model was sent for the last message: all that was heard, in order, and nothing that
   * was never said. From then on it is known what of the rest is there. Returns how much is.
   */
  compare(sent: ModelMessage[], whose: string): number {
    const [answer] = this.said.splice(-1)
    const found: Said[] = []
    let at = 0
    const miss = ({ heard }: Said) => must(heard === '', `the chat of ${whose} does not hold "${heard}"`)
    for (const message of messagesOf(sent)) {
      while (at < this.said.length && !fits(this.said[at]!, message)) miss(this.said[at++]!)
      must(at++ < this.said.length, `the chat of ${whose} holds "${message.text}", which nobody has said`)
      found.push({ role: message.role, whole: message.text, heard: message.text })
    }
    this.said.slice(at).forEach(miss)
    this.said = [...found, answer!]
    return found.length
  }
}

type Message = { role: string; text: string }

/** One by one: messages that got no answer are joined with the one after them. */
const messagesOf = (sent: ModelMessage[]): Message[] =>
  sent
    .filter(({ role }) => role !== 'system')
    .flatMap(({ role, content }) => {
      const text = typeof content === 'string' ? content : content.map(({ text = '' }) => text).join('')
      return role === 'user' ? text.split('\n\n').map(text => ({ role, text })) : [{ role, text }]
    })

const fits = ({ role, whole, heard }: Said, found: Message): boolean =>
  role === found.role &&
  (role === 'user' ? found.text === whole : whole.startsWith(found.text) && found.text.startsWith(heard))
