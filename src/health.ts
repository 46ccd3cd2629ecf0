import { get } from 'node:http'

const patienceMs = 3000

/**
 * Whether the server of these settings answers: for health checks where there is neither shell nor curl.
 * By node:http, since fetch would ask a proxy named in the environment.
 */
export const isHealthy = ({ HOST, PORT }: { HOST: string; PORT: number }): Promise<boolean> =>
  new Promise(resolve => {
    const options = { host: reachable(HOST), port: PORT, path: '/api/v1/health', timeout: patienceMs }
    const request = get(options, response => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(false))
    request.on('close', () => resolve(false))
  })

/** Who listens everywhere is asked at home. */
const reachable = (host: string): string => ({ '0.0.0.0': '127.0.0.1', '::': '::1' })[host] ?? host
