import { outputOf, script } from './processes.ts'

export type Person = {
  id: string
  username: string
  email: string
  accessToken: string
  refreshToken: string
}

export const password = 'correct horse battery'

/** Issuer of the tokens. */
export const publicUrl = 'http://bench.example'

/**
 * Fills the folder's database with so many people, each with a session; `wanted` of them are returned. In a
 * process of its own, with whose end the file is surely closed.
 */
export async function populate(dataDir: string, size: number, wanted: number): Promise<Person[]> {
  const command = script('generators/people.ts', dataDir, String(size), String(wanted))
  return JSON.parse(await outputOf(command))
}
