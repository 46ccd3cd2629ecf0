/** What may befall the disk and the files on it. */
import { Database } from 'bun:sqlite'
import { closeSync, existsSync, openSync, renameSync, statSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { runExecutable } from '../../harness/executable.ts'
import { type Case, must } from '../case.ts'
import { check, checkDatabase } from '../checks.ts'
import { checkLog, general } from '../log.ts'
import { account, type Outage, outage } from '../outage.ts'
import { Stage } from '../stage.ts'

const group = 'Storage'

const unavailable = '503 storage_unavailable, Retry-After 10'

const unwritable = {
  'PATCH /users/me': unavailable,
  refresh: unavailable,
  chat: unavailable,
  'streamed chat': unavailable,
  'sign-in': unavailable,
  'sign-out': unavailable,
  resend: unavailable,
  'sign-up': unavailable,
  code: unavailable,
  'GET /infra/ready': unavailable,
}

const fullDisk = [
  /^nothing could be saved: .*disk is full/,
  /^the run \S+ failed: storage_unavailable .*disk is full/,
]

const outages: Outage[] = [
  {
    name: 'disk-full',
    fault: 'The disk is full, then has space again',
    needs: { disk: true },
    strike: ({ parts }) => parts.disk!.fill(),
    lift: ({ parts }) => parts.disk!.empty(),
    during: unwritable,
    logged: fullDisk,
  },
  {
    name: 'disk-full-start',
    fault: 'The disk is full when the server starts after a kill -9, then has space again',
    needs: { disk: true },
    async strike(stage) {
      await stage.kill()
      stage.parts.disk!.fill()
      await stage.start()
    },
    lift: ({ parts }) => parts.disk!.empty(),
    during: unwritable,
    logged: fullDisk,
  },
]

type Damage = {
  name: string
  fault: string
  disk?: boolean
  /** Done while the server is stopped. */
  strike(stage: Stage): void
  says: RegExp
  /** What the sentence says to do. */
  mend(stage: Stage): void
  mended: string
}

const damages: Damage[] = [
  {
    name: 'read-only',
    fault: 'The data folder is read-only at the start',
    disk: true,
    strike: ({ parts }) => parts.disk!.readOnly(true),
    says: /cannot be opened for writing: .* The user that runs Parley must own/,
    mend: ({ parts }) => parts.disk!.readOnly(false),
    mended: 'once it is writable',
  },
  {
    name: 'damaged-header',
    fault: 'The first 100 bytes of the database are overwritten',
    strike: ({ databasePath }) => overwrite(databasePath, 0, 100),
    says: /is damaged: .* To restore a backup/,
    mend: restoreBackup,
    mended: 'from the backup',
  },
  {
    name: 'damaged-page',
    fault: 'A page of the database is overwritten, in the table of the accounts',
    strike: ({ databasePath }) => overwrite(databasePath, ...pageOf('users', databasePath)),
    says: /is damaged: .* To restore a backup/,
    mend: restoreBackup,
    mended: 'from the backup',
  },
  {
    name: 'truncated',
    fault: 'The second half of the database is missing',
    strike: ({ databasePath }) => truncateSync(databasePath, statSync(databasePath).size / 2),
    says: /is damaged: .* To restore a backup/,
    mend: restoreBackup,
    mended: 'from the backup',
  },
]

export const storage: Case[] = [...outages.map(each => outage(group, each)), ...damages.map(refusal)]

function refusal({ name, fault, disk, strike, says, mend, mended }: Damage): Case {
  return {
    name,
    group,
    fault,
    async run() {
      await using stage = await Stage.set({ disk })
      const alice = await account(stage)
      must((await alice.chat()) === '200', 'a chat begins')
      backUp(stage)
      await stage.stop()
      strike(stage)
      const damaged = await Bun.file(stage.databasePath).bytes()
      const { status, output } = await runExecutable({ env: stage.parts.environment, cwd: stage.folder })
      must(status === 1, `the start is refused with status 1, not ${status}: ${output}`)
      must(says.test(output) && output.trim().split('\n').length === 1, `one line says so, not: ${output}`)
      must(Buffer.from(damaged).equals(await Bun.file(stage.databasePath).bytes()), 'the file stays as it is')
      mend(stage)
      await stage.start()
      const facts = await check(alice)
      checkDatabase(stage)
      await checkLog(stage, [], [alice])
      return {
        clients: 'the start is refused',
        logged: general(output.trim()),
        kept: `the file as it is; ${mended} all ${facts} facts acknowledged`,
      }
    },
  }
}

function overwrite(path: string, at: number, bytes: number): void {
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.alloc(bytes, 0xa5), 0, bytes, at)
  closeSync(file)
}

/** Where the first page of a table or an index stands, and how long it is. */
function pageOf(name: string, path: string): [at: number, bytes: number] {
  using database = new Database(path, { readonly: true })
  const { page_size: size } = database.query<{ page_size: number }, []>('PRAGMA page_size').get()!
  const { rootpage } = database
    .query<{ rootpage: number }, string>('SELECT rootpage FROM sqlite_schema WHERE name = ?')
    .get(name)!
  return [(rootpage - 1) * size, size]
}

const backupOf = ({ folder }: Stage) => join(folder, 'backup.db')

function backUp(stage: Stage): void {
  using database = new Database(stage.databasePath)
  database.run('VACUUM INTO ?', [backupOf(stage)])
}

function restoreBackup(stage: Stage): void {
  const { databasePath, folder } = stage
  for (const suffix of ['', '-wal', '-shm'])
    if (existsSync(databasePath + suffix))
      renameSync(databasePath + suffix, join(folder, `damaged.db${suffix}`))
  renameSync(backupOf(stage), databasePath)
}
