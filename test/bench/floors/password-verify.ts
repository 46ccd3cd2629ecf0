/** Verifications a second that Bun.password gives, with so many asked for at once. */
const [hash, password, atOnce, seconds] = Bun.argv.slice(2) as [string, string, string, string]
const started = performance.now()
let verified = 0

async function keepVerifying(): Promise<void> {
  while (performance.now() - started < Number(seconds) * 1000) {
    if (!(await Bun.password.verify(password, hash))) throw new Error('That is not the password.')
    verified++
  }
}

await Promise.all(Array.from({ length: Number(atOnce) }, keepVerifying))
console.log((verified / (performance.now() - started)) * 1000)

export {}
