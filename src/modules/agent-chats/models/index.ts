import type { LanguageModelV4 } from '@ai-sdk/provider'
import type { Config } from '../../../config.ts'
import type { AttachmentStore } from '../attachments/attachment.ts'
import { demoModel } from './demo.ts'
import { openaiModel } from './openai.ts'

/** The models that the settings name, each opened once. */
export function modelsOf(config: Config, attachments: AttachmentStore) {
  const opened = new Map<string, LanguageModelV4>()
  return {
    of(name: string): LanguageModelV4 {
      const model =
        opened.get(name) ?? (name === 'demo' ? demoModel() : openaiModel(name, config, attachments))
      opened.set(name, model)
      return model
    },
  }
}
