/** Everything that is mounted, in order. Never listens. */
import cors from '@elysiajs/cors'
import { Elysia } from 'elysia'
import { apiReference } from './http/api-reference.ts'
import { edge } from './http/edge.ts'
import { guard } from './http/guard.ts'
import { methodTable } from './http/method-table.ts'
import { requestLog } from './http/request-log.ts'
import { agUiRoutes } from './modules/agent-chats/ag-ui-routes.ts'
import { attachmentRoutes } from './modules/agent-chats/attachment-routes.ts'
import { chatRoutes } from './modules/agent-chats/chat-routes.ts'
import { openaiRoutes } from './modules/agent-chats/openai-routes.ts'
import { agentChatRoutes } from './modules/agent-chats/routes.ts'
import { runRoutes } from './modules/agent-chats/run-routes.ts'
import { uiRoutes } from './modules/agent-chats/ui-routes.ts'
import { answering } from './modules/agent-chats/wires/answer-to.ts'
import { authRoutes } from './modules/auth/routes.ts'
import { infraRoutes } from './modules/infra/routes.ts'
import { usageRoutes } from './modules/usage/routes.ts'
import { userRoutes } from './modules/users/routes.ts'
import type { Services } from './services.ts'

export type App = ReturnType<typeof buildApp>

export function buildApp(services: Services) {
  const { config, limiter, sessions, largeBodies, signUp, users, usage, infra } = services
  const { chats, agentChats, attachments, completions } = services
  const guards = guard({ sessions, limiter, config })
  const answerTo = answering(sessions, config.DEFAULT_LOCALE)
  const methods = methodTable(() => app.routes)

  // Elysia's own way of leaving out what is not known makes {} or [] of what is neither, before it is checked.
  const app = new Elysia({ normalize: 'typebox' })
    .use(edge(config, methods, largeBodies))
    .use(requestLog(config.LOG_LEVEL))
    .use(config.CORS_ORIGINS.length > 0 ? cors(corsOptions(config.CORS_ORIGINS)) : new Elysia())
    .use(authRoutes(signUp, sessions, users, guards))
    .use(userRoutes(users, guards))
    .use(usageRoutes(usage, guards))
    .use(chatRoutes(chats, answerTo, guards))
    .use(agentChatRoutes(agentChats, answerTo, guards))
    .use(attachmentRoutes(attachments, guards))
    .use(agUiRoutes(agentChats, answerTo, guards))
    .use(runRoutes(agentChats, answerTo, guards))
    .use(openaiRoutes(completions, config.AGENT_MODELS!, answerTo, guards))
    .use(uiRoutes(agentChats, chats, answerTo, guards))
    .use(infraRoutes(infra))
    .use(apiReference(config))
  return app
}

const corsOptions = (origin: string[]) => ({
  origin,
  methods: ['GET', 'POST', 'PATCH', 'DELETE'] as ['GET', 'POST', 'PATCH', 'DELETE'],
  allowedHeaders: [
    'Authorization',
    'Content-Type',
    'Accept-Language',
    'Last-Event-ID',
    'X-Request-Id',
    'Idempotency-Key',
  ],
  exposeHeaders: ['Retry-After', 'X-Request-Id', 'X-Vercel-AI-UI-Message-Stream'],
  credentials: false,
  maxAge: 600,
})
