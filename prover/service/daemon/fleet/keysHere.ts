/** Keys that a worker has, without reading those that nobody asks for. */
import { builds } from '../../../../circuits/statements/index.ts'
import { KeysMissingError } from '../../../proof/index.ts'
import { CircuitNotBuiltError, compiledCircuit, keyStore, loadKeys } from '../../workspace.ts'
import { queueOf } from './proofJob.ts'
import type { WorkerKey } from './worker.ts'

/**
 * @param circuits - those alone; by default all that are built here and have keys
 * @throws {@link CircuitNotBuiltError}, {@link KeysMissingError} if one that is named is not here
 */
export async function keysHere(circuits?: readonly string[], folder?: string): Promise<readonly WorkerKey[]> {
  const names = circuits ?? builds.map(({ name }) => name)
  const found: WorkerKey[] = []
  for (const name of names) {
    try {
      const { manifest } = await keyStore(folder).loadVerifyingOf(compiledCircuit(name))
      found.push({ queue: queueOf(name, manifest.verificationKeySha256), load: () => loadKeys(name, folder) })
    } catch (error) {
      const isMissing = error instanceof CircuitNotBuiltError || error instanceof KeysMissingError
      if (circuits !== undefined || !isMissing) throw error
    }
  }
  return found
}
