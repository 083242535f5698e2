/** Whether a service could listen where it is told to, before anything else of it is begun. */
import { createServer } from 'node:net'
import { ApiKeys, readApiKeys } from './apiKeys.ts'
import { HttpExposedError, HttpPortError, isLoopback, parseHttpAddress } from './server.ts'

/**
 * @param apiKeys - file of them
 * @throws {@link HttpAddressError}, {@link HttpExposedError}, {@link HttpPortError}, {@link ApiKeysError}, {@link KeyFileModeError}
 */
export async function requireListenable(http: string, apiKeys: string | undefined): Promise<void> {
  await requireListenableWith(http, apiKeys === undefined ? new ApiKeys([]) : readApiKeys(apiKeys))
}

/**
 * @param keys - undefined where nobody knows them: whether they are needed is left open
 * @returns where it would listen
 * @throws {@link HttpAddressError}, {@link HttpExposedError}, {@link HttpPortError}
 */
export async function requireListenableWith(http: string, keys: ApiKeys | undefined): Promise<string> {
  const { host, port } = parseHttpAddress(http)
  if (!isLoopback(host) && keys?.isEmpty === true) throw new HttpExposedError(host)
  const fault = await faultOfListening(host, port)
  if (fault !== undefined) throw new HttpPortError(`${host}:${port}`, fault)
  return `${host}:${port}`
}

/** The system's; undefined if nothing keeps it. */
function faultOfListening(host: string, port: number): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', resolve)
    server.listen(port, host, () => server.close(() => resolve(undefined)))
  })
}
