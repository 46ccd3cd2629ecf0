import { expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { Passwords } from '../../src/modules/auth/passwords.ts'

const passwords = new Passwords(2, 4)

test('the hash is Argon2id with 19 MiB and two passes, and not outdated', async () => {
  const hash = await passwords.hash('correct horse')
  expect(hash).toStartWith('$argon2id$v=19$m=19456,t=2,p=1$')
  expect(passwords.isOutdated(hash)).toBe(false)
  expect(await passwords.matches('correct horse', hash)).toBe(true)
  expect(await passwords.matches('wrong horse', hash)).toBe(false)
})

test('no password matches where there is no account', async () => {
  expect(await passwords.matches('correct horse', null)).toBe(false)
})

test.each(['$argon2id$v=19$m=4096,t=2,p=1$x$y', '$argon2id$v=19$m=19456,t=1,p=1$x$y', '$2b$10$x'])(
  '%s is outdated',
  hash => {
    expect(passwords.isOutdated(hash)).toBe(true)
  },
)

test('beyond the queue it is refused, and what is in the queue is done', async () => {
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => passwords.hash('correct horse')))
  const refused = outcomes.filter(({ status }) => status === 'rejected')
  expect(refused.length).toBeGreaterThanOrEqual(2)
  expect(outcomes.length - refused.length).toBeGreaterThanOrEqual(4)
})

test.if(process.platform === 'linux')('threads that hash give way to the event loop', async () => {
  await Promise.all([passwords.hash('one'), passwords.hash('two')])
  await passwords.hash('three')
  const pool = readdirSync('/proc/self/task').flatMap(id => {
    try {
      // Name and nice value are fields 2 and 19 of stat(5).
      const [name, rest] = readFileSync(`/proc/self/task/${id}/stat`, 'utf8').split(') ')
      return name!.includes('(Bun Pool') ? { nice: Number(rest!.split(' ')[16]) } : []
    } catch {
      // It ended meanwhile.
      return []
    }
  })
  expect(pool.length).toBeGreaterThan(0)
  expect(pool.every(({ nice }) => nice === 19)).toBe(true)
  expect(readFileSync('/proc/self/stat', 'utf8').split(') ')[1]!.split(' ')[16]).toBe('0')
})
