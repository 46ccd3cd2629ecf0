/** Opens every part in order and wires the services. The only place where implementations are chosen. */
import { mkdirSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { openCodes } from './adapters/codes/index.ts'
import { openLimiter } from './adapters/limiter/index.ts'
import { openMailer } from './adapters/mailer/index.ts'
import { openRedis } from './adapters/redis.ts'
import type { Config } from './config.ts'
import { Cursors } from './cursors.ts'
import { accountStore } from './database/account-store.ts'
import { attachmentStore } from './database/attachment-store.ts'
import { chatStore } from './database/chat-store.ts'
import { startCleanup } from './database/cleanup.ts'
import { chatIdKey, conversationStore } from './database/conversation-store.ts'
import { Database, lockDataDir } from './database/database.ts'
import { outboxStore } from './database/outbox-store.ts'
import { runStore } from './database/run-store.ts'
import { openBacklog } from './database/search-backlog.ts'
import { sessionStore } from './database/session-store.ts'
import { usageStore } from './database/usage-store.ts'
import { userStore } from './database/user-store.ts'
import { StartError } from './errors.ts'
import { LargeBodies } from './http/large-bodies.ts'
import { hashQueue } from './limits.ts'
import { log, reason } from './log.ts'
import { Chats } from './modules/agent-chats/chats.ts'
import { Completions } from './modules/agent-chats/completions.ts'
import { Conversations } from './modules/agent-chats/conversation.ts'
import { RunKeeper } from './modules/agent-chats/keeper.ts'
import { ModelChoice } from './modules/agent-chats/model-choice.ts'
import { Prompts } from './modules/agent-chats/prompts.ts'
import { Runner } from './modules/agent-chats/runner.ts'
import { AgentChats } from './modules/agent-chats/service.ts'
import { Titles } from './modules/agent-chats/titles.ts'
import { openMcp } from './modules/agent-chats/tools/mcp/index.ts'
import { readServers } from './modules/agent-chats/tools/mcp/servers.ts'
import { chatIdsBy } from './modules/agent-chats/wires/chat-id.ts'
import { AccessTokens } from './modules/auth/access-token.ts'
import { Outbox } from './modules/auth/outbox.ts'
import { Passwords } from './modules/auth/passwords.ts'
import { Sessions } from './modules/auth/sessions.ts'
import { SignUp } from './modules/auth/sign-up.ts'
import { Infra } from './modules/infra/service.ts'
import { TokenUsage } from './modules/usage/service.ts'
import { Users } from './modules/users/service.ts'
import { Secrets } from './secrets.ts'

export type Services = Awaited<ReturnType<typeof openServices>>

/** @throws StartError where the data folder or its database cannot be used, or is in use, or MCP_SERVERS is wrong */
export async function openServices(config: Config, now: () => number = Date.now) {
  const { dataDir } = config
  const mcpServers = config.MCP_SERVERS ? readServers(config.MCP_SERVERS) : null
  prepareDataDir(dataDir)
  const lock = lockDataDir(dataDir)
  const secrets = Secrets.of(config.JWT_SECRET, dataDir)
  const database = new Database(join(dataDir, 'parley.db'))
  const redis = config.REDIS_URL ? openRedis(config.REDIS_URL) : null
  const limiter = openLimiter({ database, redis, secrets, now })
  const codes = openCodes({ database, redis, secrets, now })
  const mailer = openMailer(config)
  const outboxRows = outboxStore(database, secrets)

  const outbox = new Outbox(outboxRows, mailer, now)
  const accounts = accountStore(database, outboxRows.enqueue)
  const passwords = new Passwords(availableParallelism(), hashQueue)
  const accessTokens = new AccessTokens(secrets.jwtSecret, config.PUBLIC_URL ?? 'parley', now)
  const sessions = new Sessions(
    accounts,
    sessionStore(database),
    limiter,
    passwords,
    accessTokens,
    secrets,
    now,
  )
  const signUp = new SignUp(
    accounts,
    codes,
    limiter,
    passwords,
    sessions,
    outbox,
    config.REDIRECT_ALLOW_LIST,
    now,
  )
  const largeBodies = new LargeBodies(sessions, now)
  const users = new Users(userStore(database), config.ADMIN_EMAILS)
  const mcp = mcpServers ? openMcp(mcpServers) : undefined
  const usage = new TokenUsage(usageStore(database), config.AGENT_DAILY_TOKENS, now)
  const runs = runStore(database)
  const backlog = openBacklog(database)
  const conversations = conversationStore(database, backlog.read)
  const attachments = attachmentStore(database)
  const models = new ModelChoice(config)
  const openAgent = () =>
    import('./modules/agent-chats/agent.ts').then(agent =>
      agent.openAgent(config, { people: users, budget: usage, attachments, now, source: mcp }),
    )
  const keeper = new RunKeeper(runs, new Prompts(attachments, models, config), config, now)
  const runner = new Runner(keeper, runs.record, openAgent, usage, config)
  const agentChats = new AgentChats(runs, runner, models, config, chatIdsBy(chatIdKey(database)), now)
  const completions = new Completions(agentChats, new Conversations(conversations, config, now))
  const infra = new Infra(database, redis, mcp)
  const cursors = new Cursors(data => secrets.mac('cursors', data))
  const chatRows = chatStore(database)
  const titles = new Titles(chatRows, () => runner.warm(), usage, config)
  runner.onAnswer = run => titles.afterAnswer(run)
  const chats = new Chats(chatRows, agentChats, cursors)

  const cutOff = await keeper.settleInterrupted()
  if (cutOff > 0) log.warn('{cutOff} answers were cut off when the server ended', { cutOff })
  outbox.start()
  const cleanup = startCleanup(database, now)
  backlog.read()

  /** Closes every part. No request may be under way. */
  const close = async () => {
    cleanup.stop()
    await Promise.all([backlog.stop(), outbox.stop(), titles.stop(), mcp?.close()])
    mailer.close()
    await redis?.close()
    database.close()
    lock.release()
  }
  return {
    config,
    limiter,
    sessions,
    largeBodies,
    signUp,
    users,
    usage,
    runner,
    chats,
    agentChats,
    attachments,
    completions,
    infra,
    close,
  }
}

function prepareDataDir(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new StartError(`The folder DATA_DIR=${dataDir} cannot be created: ${reason(error)}`)
  }
  if (statSync(dataDir).mode & 0o077) log.warn('others may look into {dataDir}: chmod 700 it', { dataDir })
}
