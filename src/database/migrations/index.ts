/** Numbered, forward only, carried inside the executable. Add at the end; never change one that has shipped. */
import accounts from './0001_accounts.sql' with { type: 'text' }
import agentChats from './0002_agent_chats.sql' with { type: 'text' }
import runs from './0003_runs.sql' with { type: 'text' }
import usage from './0004_usage.sql' with { type: 'text' }
import search from './0005_search.sql' with { type: 'text' }
import attachments from './0006_attachments.sql' with { type: 'text' }
import chatIds from './0007_chat_ids.sql' with { type: 'text' }
import searchReadTo from './0008_search_read_to.sql' with { type: 'text' }

export const migrations: string[] = [
  accounts,
  agentChats,
  runs,
  usage,
  search,
  attachments,
  chatIds,
  searchReadTo,
]
