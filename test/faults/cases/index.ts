import type { Case } from '../case.ts'
import { clock } from './clock.ts'
import { connections } from './connections.ts'
import { kill, killAtFirstStart } from './kill.ts'
import { mail } from './mail.ts'
import { model } from './model.ts'
import { redis } from './redis.ts'
import { soak } from './soak.ts'
import { storage } from './storage.ts'

/** Every case, in the order of the table. */
export const cases: Case[] = [
  kill,
  killAtFirstStart,
  ...storage,
  ...clock,
  ...connections,
  ...redis,
  ...mail,
  ...model,
  soak,
]
