/** A bound holds the product, not the machine: what stalls this process as a whole is no time of what it waits for. */
const tickMs = 10
const mostPerTick = 5 * tickMs

let ran = 0
let last = performance.now()
const sinceTick = () => Math.min(performance.now() - last, mostPerTick)
setInterval(() => {
  ran += sinceTick()
  last = performance.now()
}, tickMs).unref()

/** Tells the milliseconds since, at most 50 for each time in which the event loop stood still. */
export function stopwatch(): () => number {
  const start = ran + sinceTick()
  return () => ran + sinceTick() - start
}
