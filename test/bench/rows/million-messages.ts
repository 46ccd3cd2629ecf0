/** What is asked of chats with a million messages in the database, against a thousand. */
import type { Row } from '../figure.ts'
import { type Endpoints, growth } from '../growth.ts'
import { populateChats, rareWord, type Talker } from '../messages.ts'

const daysAgo = (days: number) => new Date(Date.now() - days * 24 * 60 * 60 * 1000).toISOString().slice(0, 10)

/** The `i`-th of the people's short chats, each one's first before any one's second. */
const shortChat = ({ chats: { short } }: Talker, i: number): string =>
  short[Math.floor(i / 4) % short.length]!

const signedIn = true

const endpoints: Endpoints<Talker> = {
  'GET /agent-chats': () => ({ method: 'GET', path: '/agent-chats', status: 200, signedIn }),
  'GET /agent-chats?q=': () => ({
    method: 'GET',
    path: `/agent-chats?q=${rareWord}`,
    status: 200,
    signedIn,
  }),
  'GET /agent-chats/{id}': ({ chats }) => ({
    method: 'GET',
    path: `/agent-chats/${chats.long}`,
    status: 200,
    signedIn,
  }),
  'GET /agent-chats/{id}/messages': ({ chats }) => ({
    method: 'GET',
    path: `/agent-chats/${chats.long}/messages`,
    status: 200,
    signedIn,
  }),
  'GET /users/me/usage': () => ({
    method: 'GET',
    path: `/users/me/usage?from=${daysAgo(31)}`,
    status: 200,
    signedIn,
  }),
  'POST /agent-chats, a new chat': () => ({
    method: 'POST',
    path: '/agent-chats',
    status: 200,
    signedIn,
    body: { message: '2 words' },
  }),
  // They make the chat longer.
  'POST /agent-chats, a long chat': ({ chats }) => ({
    method: 'POST',
    path: '/agent-chats',
    status: 200,
    signedIn,
    body: { message: '2 words', session_id: chats.long },
    times: 100,
  }),
  'PATCH /agent-chats/{id}': (who, _, i) => ({
    method: 'PATCH',
    path: `/agent-chats/${shortChat(who, i)}`,
    status: 200,
    signedIn,
    body: { title: `Title ${i}` },
  }),
  'DELETE /agent-chats/{id}': (who, _, i) => ({
    method: 'DELETE',
    path: `/agent-chats/${shortChat(who, i)}`,
    status: 204,
    signedIn,
    times: 100,
  }),
}

export const millionMessages: Row = {
  name: 'million-messages',
  run: bench => growth(bench, 'messages', populateChats, endpoints),
}
