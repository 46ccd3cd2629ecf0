/** Commits a second of one client that waits for each: what a refresh writes, and nothing else. */
import { Database } from 'bun:sqlite'
import { join } from 'node:path'

const [dataDir, seconds] = Bun.argv.slice(2) as [string, string]
const database = new Database(join(dataDir, 'parley.db'))
for (const pragma of ['journal_mode = WAL', 'synchronous = FULL', 'foreign_keys = ON'])
  database.run(`PRAGMA ${pragma}`)
const { id } = database.query('SELECT id FROM sessions LIMIT 1').get() as { id: string }
const rotate = database.prepare(
  'UPDATE sessions SET generation = generation + 1, rotated_at = ?, expires_at = ? WHERE id = ?',
)
const started = performance.now()
let commits = 0
for (; performance.now() - started < Number(seconds) * 1000; commits++) {
  const now = Date.now()
  rotate.run(now, now + 1e9, id)
}
console.log((commits / (performance.now() - started)) * 1000)
