/** Walks through a chat's tree of messages. How long they are people decide, so others have their turn on the way. */
import { givingWay } from '../giving-way.ts'
import type { Database } from './database.ts'

type Placed = { id: string; position: number }

const rowsPerRead = 100

export function pathWalks(database: Database) {
  const placeOf = database.prepare<Placed, [string, string]>(
    'SELECT id, position FROM messages WHERE chat_id = ? AND id = ?',
  )
  const placesBelow = database.prepare<Placed, [string, string, number]>(
    `SELECT id, position FROM messages INDEXED BY messages_by_parent
     WHERE chat_id = ? AND parent_id = ? AND position > ? ORDER BY position LIMIT ${rowsPerRead}`,
  )
  const above = database.prepare<{ id: string | null }, [string, string]>(
    'SELECT parent_id AS id FROM messages WHERE chat_id = ? AND id = ?',
  )

  /** In the order they came, in pieces. */
  function* below(chatId: string, parentId: string): Generator<Placed[]> {
    let places: Placed[]
    for (let after = 0; ; after = places.at(-1)!.position) {
      places = placesBelow.all(chatId, parentId, after)
      yield places
      if (places.length < rowsPerRead) return
    }
  }

  return {
    /** The newest message under this one, or itself. What hangs below a message is newer, so it is an end. */
    async newestUnder(chatId: string, id: string): Promise<string | null> {
      const giveWay = givingWay()
      let newest = placeOf.get(chatId, id)
      if (!newest) return null
      const found = [newest]
      // It grows on the way.
      for (const { id } of found)
        for (const places of below(chatId, id)) {
          for (const place of places) found.push(place)
          const last = places.at(-1)
          if (last && last.position > newest.position) newest = last
          await giveWay()
        }
      return newest.id
    },

    /** The message right below the parent, the first for null, on the path down to `leafId`. */
    async childOnPath(
      chatId: string,
      leafId: string | null,
      parentId: string | null,
    ): Promise<string | null> {
      const giveWay = givingWay()
      for (let id = leafId; id; await giveWay()) {
        const next = above.get(chatId, id)
        if (next?.id === parentId) return id
        id = next?.id ?? null
      }
      return null
    },
  }
}
