/** What the API reference says of POST /agent-chats. */
import { describe } from '../../http/openapi.ts'

export const sendMessage = describe('sendMessage', 'Send a message to the agent')
