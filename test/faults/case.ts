/** What a case is, and how it says that something does not hold. */

/** What became of a fault, for the table in docs/reliability.md. */
export type Seen = { clients: string; logged: string; kept: string }

export type Case = {
  /** For the command line. */
  name: string
  group: string
  /** What happened, for the table. */
  fault: string
  /** Whether it mostly waits, for half a minute: begun first. */
  waits?: boolean
  /** Whether it takes the machine for itself: begun last. */
  alone?: boolean
  /** Throws where something does not hold that must. */
  run(run: Run): Promise<Seen>
}

export type Run = {
  /** Where the case's own draws begin. */
  seed: number
  /** How often kill -9 strikes, and how long the soak lasts. */
  kills: number
  soakMinutes: number
  progress(text: string): void
}

/** The case cannot be run on this machine, and why. */
export class NotHere extends Error {}

export function must(holds: unknown, sentence: string): asserts holds {
  if (!holds) throw new Error(sentence)
}

/** Waits for what must come to hold. */
export async function mustSoon(
  holds: () => unknown | Promise<unknown>,
  sentence: string,
  withinMs = 15_000,
): Promise<void> {
  for (const deadline = performance.now() + withinMs; !(await holds()); await Bun.sleep(20))
    must(performance.now() < deadline, `${sentence} within ${withinMs / 1000} s`)
}
