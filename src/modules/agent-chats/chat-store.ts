import type { ErrorCode } from '../../errors.ts'
import type { RunStatus } from './run.ts'
import type { ChatMessage } from './store.ts'

export type KeptChat = {
  id: string
  title: string | null
  createdAt: number
  /** When somebody last said something in it. */
  updatedAt: number
  /** The end of the path that the model sees. */
  headId: string | null
  /** What has not ended: the run that answers, before those behind it. */
  run: { id: string; status: RunStatus } | null
}

/** A place in the list of chats, newest first. */
export type ListPlace = Pick<KeptChat, 'updatedAt' | 'id'>

/** A message on a path through a chat. */
export type PathMessage = {
  id: string
  parentId: string | null
  createdAt: number
  message: ChatMessage
  /** What it says in words. */
  text: string
  runId: string
  /** What the answer it belongs to is called, by its first message. */
  answerId: string | null
  runStatus: RunStatus | null
  runError: ErrorCode | null
  /** This and what else was said instead of it, in order. */
  versions: string[]
}

/** Where a path is read from, upwards: a message, or the newest end below one. */
export type PathStart = { from: string } | { through: string }

export type ChatChange = {
  title?: string
  /** The path through this message, to the newest end below it, becomes the one that the model sees. */
  through?: string
}

/** Chats as people see them. Every method is one atomic step; another's chat is no chat. */
export interface ChatStore {
  find(userId: string, chatId: string): Promise<KeptChat | null>
  /** The user's chats, newest first, from after a place; with a question, those in which it was said. */
  list(
    userId: string,
    page: { question: string | null; after: ListPlace | null; limit: number },
  ): Promise<KeptChat[]>
  /** Messages of the chat's path, or another, from its end upwards. */
  path(
    userId: string,
    chatId: string,
    start: PathStart | null,
    limit: number,
  ): Promise<PathMessage[] | 'chat_not_found' | 'message_not_found'>
  /** Changes all or nothing. A path is not left while something runs on it. */
  change(
    userId: string,
    chatId: string,
    change: ChatChange,
  ): Promise<KeptChat | 'chat_not_found' | 'message_not_found' | 'run_in_progress'>
  /** What the run's question says, if the run is the chat's first whole answer and its title is still for now. */
  toBeNamed(chatId: string, runId: string): Promise<string | null>
  /** Gives the chat the model's title, unless the person has given one. */
  name(chatId: string, title: string): Promise<void>
  /** Removes the chat with all that was said in it; false where there is none. */
  remove(userId: string, chatId: string): Promise<boolean>
}
