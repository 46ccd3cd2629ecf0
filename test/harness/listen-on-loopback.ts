/** Preloaded into servers that would listen on all addresses of the machine. */
import { Server } from 'node:http'

type Listen = (this: Server, port: number, host: string, listening: () => void) => Server

const listen = Server.prototype.listen as Listen
Server.prototype.listen = function (this: Server, port: unknown, listening: () => void) {
  return listen.call(this, Number(port), '127.0.0.1', listening)
} as typeof Server.prototype.listen
