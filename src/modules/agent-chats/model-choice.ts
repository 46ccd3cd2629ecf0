import type { Config } from '../../config.ts'
import { AppError } from '../../errors.ts'

/** The models that people may choose from. */
export class ModelChoice {
  constructor(private readonly config: Pick<Config, 'AGENT_MODEL' | 'AGENT_MODELS' | 'AGENT_IMAGE_MODELS'>) {}

  get all(): Array<{ id: string; default: boolean; images: boolean }> {
    const { AGENT_MODEL, AGENT_MODELS = [] } = this.config
    return AGENT_MODELS.map(id => ({ id, default: id === AGENT_MODEL, images: this.takesImages(id) }))
  }

  /**
   * The model of that name, or the default. Throws model_not_available.
   * @param pointer where the name stands
   */
  named(name: string | null | undefined, pointer = '/body/model'): string {
    const model = name ?? this.config.AGENT_MODEL!
    if (!this.config.AGENT_MODELS!.includes(model)) throw new AppError('model_not_available', { pointer })
    return model
  }

  /** Whether messages to the model may bear images. */
  takesImages(model: string): boolean {
    return this.config.AGENT_IMAGE_MODELS!.includes(model)
  }
}
