/** Models as a chain lists them, and which of them can be proven with the keys at hand. */
import { type Build, builds, type StatementName } from '../../../circuits/statements/index.ts'
import { collectModels, judgeModel, keyRecord, type ModelSource, pinsOfKeys } from '../../audit/models.ts'
import type { ModelRecord } from '../../audit/modelRecord.ts'
import { claimText } from '../../audit/report.ts'
import { ProverError } from '../../errors.ts'
import type { CircuitKeys } from '../../proof/index.ts'
import { type DeployedModel, modelIdOf } from '../../registry/deployment.ts'
import { auditKeyOf } from '../answers/auditing.ts'
import { loadKeysIfBuilt } from '../workspace.ts'

/**
 * `usable`: the keys here are its keys, and its verifier is the one compiled from them. `refused`: they are, and something else
 * speaks against it. `disabled`: by the council. `unknown`: of no build that this version has.
 */
export type ModelStatus = 'usable' | 'keys-missing' | 'refused' | 'disabled' | 'unknown'

export type ModelStanding = {
  readonly modelId: string
  /** Its build; its id where it is of none. */
  readonly name: string
  readonly statement: StatementName | undefined
  readonly status: ModelStatus
  /** Why it is not usable; empty of one that is. */
  readonly says: string
  /** As deployment files have it; undefined of what is of no build. */
  readonly deployed: DeployedModel | undefined
}

/**
 * Models of a registry of models in the order in which they were registered; names follow from ids, so that nobody's word is taken.
 *
 * @param folder - of keys; the project's own by default
 */
export async function readModelStandings(
  source: Omit<ModelSource, 'keys'> & { readonly chainId: bigint },
  modelRegistry: string,
  folder?: string,
): Promise<readonly ModelStanding[]> {
  const listed = await collectModels({ ...source, keys: [] }, modelRegistry)
  const standings: ModelStanding[] = []
  for (const record of listed) standings.push(await standingOf(record, source.chainId, folder))
  return standings
}

async function standingOf(record: ModelRecord, chainId: bigint, folder: string | undefined): Promise<ModelStanding> {
  const { modelId, verifier, verificationKeyHash, manifestHash, layoutHash } = record
  const build = (builds as readonly Build[]).find(
    ({ name }) => modelIdOf(name, verificationKeyHash, layoutHash) === modelId,
  )
  if (build === undefined) {
    const says = 'no build of this version has this id: whatever is proven under it cannot be checked here'
    return { modelId, name: modelId, statement: undefined, deployed: undefined, status: 'unknown', says }
  }
  const { name, statement } = build
  const deployed = { name, modelId, verifier, verificationKeyHash, manifestHash }
  return { modelId, name, statement, deployed, ...(await statusOf(record, build, chainId, folder)) }
}

async function statusOf(
  record: ModelRecord,
  { name, statement }: Build,
  chainId: bigint,
  folder: string | undefined,
): Promise<Pick<ModelStanding, 'status' | 'says'>> {
  if (record.disabled !== null) return { status: 'disabled', says: 'the council has disabled it' }
  try {
    const keys = await loadKeysIfBuilt(name, folder)
    if (keys === undefined || !isKeyOf(record, keys)) return { status: 'keys-missing', says: missingText(record, keys) }
    const key = auditKeyOf(keys)
    const { accepted, claims } = judgeModel({ ...record, key: keyRecord(key) }, chainId, pinsOfKeys([key]), new Map(), [
      statement,
    ])
    const failed = claims.find(({ holds }) => !holds)
    return accepted || failed === undefined
      ? { status: 'usable', says: '' }
      : { status: 'refused', says: claimText(failed) }
  } catch (error) {
    if (!(error instanceof ProverError)) throw error
    return { status: 'keys-missing', says: error.message }
  }
}

const isKeyOf = ({ verificationKeyHash }: ModelRecord, { manifest }: CircuitKeys): boolean =>
  verificationKeyHash === `0x${manifest.verificationKeySha256}`

function missingText({ verificationKeyHash }: ModelRecord, here: CircuitKeys | undefined): string {
  const wanted = `sha256 ${verificationKeyHash.slice(2, 18)}…`
  if (here === undefined)
    return `its circuit or its key ${wanted} is not here: build the circuit, and take the key from where its ceremony is published`
  const { kind, verificationKeySha256 } = here.manifest
  const found = `${kind} key sha256 ${verificationKeySha256.slice(0, 16)}…`
  return kind === 'development'
    ? `its key is ${wanted}, the ${found} here is this build’s alone: take its key from where it is published (zkrisk keys import, or --keys)`
    : `its key is ${wanted}, the one here is the ${found}: take its key from where its ceremony is published (zkrisk keys import, or --keys)`
}
