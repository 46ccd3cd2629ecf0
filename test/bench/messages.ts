import { type Person, populate } from './people.ts'
import { outputOf, script } from './processes.ts'

/** What everybody who talks with the agent has asked it: on and on in one chat, every fifth time in a chat of its own. */
const turns = 125
export const isAlone = (turn: number): boolean => turn % 5 === 4
/** A question and its answer. */
export const messagesEach = 2 * turns

/** What everybody has asked for in six messages, of three chats. */
export const rareWord = 'harbour'
export const isRare = (turn: number): boolean => turn % 22 === 4

export type Chats = { long: string; short: string[] }
export type Talker = Person & { chats: Chats }

/**
 * Fills the folder's database with so many messages, and with as many people as it takes to say `most`: where there
 * are fewer messages, fewer of them have talked. Returned are four, who have said the same wherever it is.
 */
export async function populateChats(dataDir: string, size: number, most: number): Promise<Talker[]> {
  const people = await populate(dataDir, most / messagesEach, 4)
  const ids = JSON.stringify(people.map(({ id }) => id))
  const command = script('generators/messages.ts', dataDir, String(size), ids)
  const chats: Chats[] = JSON.parse(await outputOf(command))
  return people.map((person, i) => ({ ...person, chats: chats[i]! }))
}
