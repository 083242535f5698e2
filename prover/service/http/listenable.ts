/** Whether a service could listen where it is told to, before anything else of it is begun. */
import { createServer } from 'node:net'
import { ApiKeys, readApiKeys } from './apiKeys.ts'
import { HttpExposedError, HttpPortError, isLoopback, parseHttpAddress } from './server.ts'

/**
 * @param apiKeys - file of them
 * @throws {@link HttpAddressError}, {@link HttpExposedError}, {@link HttpPortError}, {@link ApiKeysError}, {@link KeyFileModeError}
 */
export async function requireListenable(http: string, apiKeys: string | undefined): Promise<void> {
  const { host, port } = parseHttpAddress(http)
  const keys = apiKeys === undefined ? new ApiKeys([]) : readApiKeys(apiKeys)
  if (!isLoopback(host) && keys.isEmpty) throw new HttpExposedError(host)
  const fault = await faultOfListening(host, port)
  if (fault !== undefined) throw new HttpPortError(`${host}:${port}`, new Error(fault))
}

/** In the system's words; undefined if nothing keeps it. */
export function faultOfListening(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', ({ message }) => resolve(message))
    server.listen(port, host, () => server.close(() => resolve(undefined)))
  })
}
