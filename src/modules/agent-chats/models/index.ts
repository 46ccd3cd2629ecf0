import type { LanguageModelV4 } from '@ai-sdk/provider'
import type { Config } from '../../../config.ts'
import { demoModel } from './demo.ts'
import { openaiModel } from './openai.ts'

/** The model that the settings name. */
export const modelOf = (config: Config): LanguageModelV4 =>
  config.AGENT_MODEL === 'demo' ? demoModel() : openaiModel(config.AGENT_MODEL!, config)
