/** The server has one thread: work whose length people decide about is cut into slices, and others come in between. */

const sliceMs = 5

/** Of all that give way one goes on in each turn of the event loop. */
let line = Promise.resolve()

export type GiveWay = () => Promise<void> | undefined

/** To be awaited after every little piece of such work; when a slice is over it lets others have their turn. */
export function givingWay(): GiveWay {
  let since = performance.now()
  return () => {
    if (performance.now() - since < sliceMs) return
    line = line.then(nextTurn)
    return line.then(() => {
      since = performance.now()
    })
  }
}

const nextTurn = () => new Promise<void>(resolve => setImmediate(resolve))
