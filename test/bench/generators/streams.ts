/** Opens so many streamed answers at once, reads them to their ends, and prints how many came whole. */
const [url, token, count] = Bun.argv.slice(2) as [string, string, string]

async function readOne(): Promise<boolean> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify({ message: 'Please hold the line.' }),
  })
  const text = await response.text()
  const output = /"type":"RUN_FINISHED".*"output":"([^"]*)"/.exec(text)?.[1]
  return output?.trim().split(' ').length === 40
}

const whole = await Promise.all(Array.from({ length: Number(count) }, readOne))
console.log(whole.filter(Boolean).length)

export {}
