/** Auditing with the keys on this machine's disk. */
import { type BuildName, builds } from '../../circuits/builds.ts'
import type { AuditKey } from '../audit/index.ts'
import type { CircuitKeys } from '../proof/index.ts'
import { verifierArtifactOf } from '../registry/index.ts'
import { loadKeys } from './workspace.ts'

/** What an auditor trusts of a key: its values, and the verifier compiled from it here. */
export function auditKeyOf({ circuit, verificationKey, manifest }: CircuitKeys): AuditKey {
  const verifierCode = verifierArtifactOf(circuit).deployedBytecode
  return { build: circuit as BuildName, verificationKey, manifest, verifierCode }
}

/** Keys of every build compiled here. */
export async function auditKeys(folder?: string): Promise<readonly AuditKey[]> {
  return Promise.all(builds.map(async ({ name }) => auditKeyOf(await loadKeys(name, folder))))
}
