import type { LanguageModelV4 } from '@ai-sdk/provider'
import type { Config } from '../../../config.ts'
import { demoModel } from './demo.ts'
import { openaiModel } from './openai.ts'

/** The models that the settings name, each opened once. */
export function modelsOf(config: Config) {
  const opened = new Map<string, LanguageModelV4>()
  return {
    of(name: string): LanguageModelV4 {
      const model = opened.get(name) ?? (name === 'demo' ? demoModel() : openaiModel(name, config))
      opened.set(name, model)
      return model
    },
  }
}
