/** Models of circuits: what the registry of models says of them, and whether the auditor's keys bear it out. */
import type { Provider } from 'ethers'
import {
  type Build,
  type BuildName,
  builds,
  modelSizesOf,
  type StatementName,
} from '../../circuits/statements/index.ts'
import {
  checkCeremony,
  formatVerificationKey,
  type KeyManifest,
  parseVerificationKey,
  type VerificationKey,
  verificationKeyHash,
} from '../proof/index.ts'
import { interfaceOf, verifierArtifactOf } from '../registry/artifacts.ts'
import { compare } from '../registry/claims.ts'
import { logsBetween } from '../registry/chain.ts'
import { ask } from '../registry/contractErrors.ts'
import { manifestHashOf, modelIdOf } from '../registry/deployment.ts'
import type { ClaimResult } from '../registry/index.ts'
import { layoutHash } from '../statement/layout.ts'
import { failed, summarise } from './findings.ts'
import type { ModelRecord } from './modelRecord.ts'
import { inTurns, isBefore, placeOf } from './nodeReads.ts'
import { judgeLastPauses, judgePause, lastPausesOf, pausesIn } from './pauses.ts'
import type { AuditPins } from './pins.ts'
import type { ModelReport } from './report.ts'
import { missingConstant, withoutMetadata } from './verifierCode.ts'

/** A key the auditor trusts to be what the model's name says. */
export type AuditKey = {
  readonly build: BuildName | BuildName
  readonly verificationKey: VerificationKey
  /** Says how the key was made; without one it is taken for a production key of which nothing is known. */
  readonly manifest?: KeyManifest
  /** Runtime code compiled from the key here, to be compared with what is deployed. */
  readonly verifierCode?: string
}

/**
 * What an auditor who brings keys has pinned with them: the keys, and the code of their verifiers.
 *
 * @example
 * const pins = { chainId: 31337n, ...pinsOfKeys(await marketAuditKeys()) }
 * (await auditOffline('audit.json', pins)).accepted // → true
 */
export function pinsOfKeys(keys: readonly AuditKey[]): Pick<AuditPins, 'verificationKeyHashes' | 'verifierCodes'> {
  const hashes = keys.map(({ verificationKey }) => `0x${verificationKeyHash(verificationKey)}`)
  const codes = keys.map(({ verifierCode }, i) => [hashes[i] ?? '', verifierCode] as const)
  return {
    verificationKeyHashes: hashes,
    verifierCodes: new Map(codes.flatMap(([hash, code]) => (code === undefined ? [] : [[hash, code] as const]))),
  }
}

/** A key that the auditor may use: parsed, and its model. */
export type UsableKey = {
  readonly build: AuditKey['build']
  readonly verificationKey: VerificationKey
  readonly model: ModelRecord
}

/** Where models are read, and up to when. */
export type ModelSource = {
  readonly provider: Provider
  readonly keys: readonly AuditKey[]
  readonly fromBlock: number
  readonly end: number
}

/** What the registry of models must say of a build. */
function declarationOf(name: AuditKey['build']) {
  const build = builds.find((each) => each.name === name)
  if (build === undefined) throw new TypeError(`No build ${name}.`)
  return { layout: layoutHash(build.statement), ...modelSizesOf(build) }
}

/** Models that a registry of models lists, with the auditor's keys. */
export async function collectModels(
  { provider, keys, fromBlock, end }: ModelSource,
  address: string,
): Promise<ModelRecord[]> {
  const logs = await logsBetween(provider, { address }, fromBlock, end)
  const registry = interfaceOf('ModelRegistry')
  const events = logs.flatMap((log) => {
    const event = registry.parseLog(log)
    return event === null ? [] : [{ place: placeOf(log), name: event.name, args: event.args }]
  })
  const pauses = await pausesIn(provider, 'ModelRegistry', logs)
  return inTurns(
    events.filter(({ name }) => name === 'ModelRegistered'),
    async ({ place, args }) => {
      const { modelId, model } = args
      const disabled = events.find((later) => later.name === 'ModelDisabled' && later.args.modelId === modelId)
      const key = keys.find(
        ({ build, verificationKey }) =>
          modelIdOf(build, `0x${verificationKeyHash(verificationKey)}`, declarationOf(build).layout) === modelId,
      )
      const verifier: string = model.verifier
      return {
        modelId,
        verifier,
        verifierCode: (await ask('Reading a verifier', () => provider.getCode(verifier, end))).toLowerCase(),
        places: Number(model.places),
        slots: Number(model.slots),
        allowsBacklog: model.allowsBacklog,
        volatilityModel: Number(model.volatilityModel),
        layoutHash: model.layoutHash,
        verificationKeyHash: model.verificationKeyHash,
        manifestHash: model.manifestHash,
        registered: place,
        disabled: disabled?.place ?? null,
        pauses: pauses.filter(({ id }) => id === modelId),
        lastPauses: await lastPausesOf({ provider, end }, 'ModelRegistry', address, [modelId]),
        key: key === undefined ? null : keyRecord(key),
      }
    },
  )
}

/** A key as records of models have it. */
export function keyRecord({ build, verificationKey, manifest }: AuditKey): ModelRecord['key'] {
  return {
    build,
    verificationKey: formatVerificationKey(verificationKey) as unknown as NonNullable<
      ModelRecord['key']
    >['verificationKey'],
    manifest: manifest === undefined ? null : { ...manifest, tools: { ...manifest.tools } },
  }
}

/**
 * Judges one model.
 *
 * @param pins - which keys may have proven, and the code of their verifiers
 * @param usable - takes the key if it fits
 */
export function judgeModel(
  model: ModelRecord,
  chainId: bigint,
  pins: AuditPins,
  usable: Map<string, UsableKey>,
  statements: readonly StatementName[],
): ModelReport {
  const { modelId, key } = model
  if (key === null) {
    // A model that never proved anything needs no key; a batch of it will ask for one.
    return { modelId, name: nameByLayout(model, statements), ...summarise(judgePausesOf(model)) }
  }
  const claims: ClaimResult[] = [...judgePausesOf(model)]
  try {
    const verificationKey = parseVerificationKey(key.verificationKey)
    const keyHash = `0x${verificationKeyHash(verificationKey)}`
    const isPinned = pins.verificationKeyHashes?.includes(keyHash) ?? true
    const { layout, places, slots, volatilityModel } = declarationOf(key.build)
    const fits: readonly ClaimResult[] = [
      compare('R1', 'models.verificationKeyHash', keyHash, model.verificationKeyHash),
      compare('R1', 'models.layoutHash', layout, model.layoutHash),
      compare('R1', 'models.modelId', modelIdOf(key.build, keyHash, model.layoutHash), modelId),
      compare('R1', 'models.places', places, model.places),
      compare('R1', 'models.slots', slots, model.slots),
      compare('R1', 'models.volatilityModel', volatilityModel, model.volatilityModel),
      isPinned
        ? { claim: 'A3', holds: true }
        : { claim: 'A3', holds: false, field: 'models.key', expected: 'a pinned key', found: keyHash },
    ]
    claims.push(
      ...fits,
      ...judgeManifest(model, key.manifest, verificationKey, chainId),
      ...judgeVerifier(model, compiledVerifier(key.build, keyHash, pins), verificationKey),
    )
    if (fits.every(({ holds }) => holds)) usable.set(modelId, { build: key.build, verificationKey, model })
  } catch (error) {
    claims.push(failed('T1', 'models.key.verificationKey', error))
  }
  return { modelId, name: key.build, ...summarise(claims) }
}

/**
 * What the registry of models says that a model is, for which no key is at hand.
 *
 * @param statements - that the audited registry takes proofs of: models of others, whose registries share the list, need no key here
 */
function nameByLayout(
  { modelId, layoutHash: layout, places, slots, volatilityModel }: ModelRecord,
  statements: readonly StatementName[],
): string {
  const named = (builds as readonly Build[]).find(({ name }) => {
    const declared = declarationOf(name as BuildName)
    const isOfLayout = declared.layout === layout && declared.volatilityModel === volatilityModel
    return isOfLayout && declared.places === places && declared.slots === slots
  })
  if (named === undefined) return modelId
  const why = statements.includes(named.statement) ? 'no key of it here' : 'not used by this registry'
  return `${named.name} ${modelId.slice(0, 10)}…, ${why}`
}

/** Of a disabled model the council may only lift a pause. */
const judgePausesOf = ({ modelId, pauses, lastPauses, disabled }: ModelRecord): readonly ClaimResult[] => [
  ...pauses.flatMap((pause) => {
    const isUsable = pause.kind === 'lifted' || disabled === null || isBefore(pause, disabled)
    const active = 'an active model'
    return [
      ...judgePause(pause, pauses),
      compare('R41', `${pause.kind}.modelId`, active, isUsable ? active : 'a disabled one'),
    ]
  }),
  ...judgeLastPauses('models.lastPauses', pauses, lastPauses, [modelId]),
]

/** T2 and T3 of docs/claims/proof.md: how the key was made. */
function judgeManifest(
  model: ModelRecord,
  manifest: KeyManifest | null,
  verificationKey: VerificationKey,
  chainId: bigint,
): readonly ClaimResult[] {
  const claims: ClaimResult[] = []
  if (manifest !== null) {
    const keyHash = verificationKeyHash(verificationKey)
    claims.push(
      compare('T1', 'models.manifestHash', manifestHashOf(manifest), model.manifestHash),
      compare('T1', 'models.key.manifest.verificationKeySha256', keyHash, manifest.verificationKeySha256),
    )
  }
  try {
    checkCeremony({ ...manifest, verificationKey }, chainId)
    claims.push({ claim: 'T2', holds: true })
  } catch (error) {
    claims.push(failed('T2', 'models.key', error))
  }
  return claims
}

/** Never from the record: whoever wrote it would vouch for himself. */
function compiledVerifier(build: BuildName, keyHash: string, { verifierCodes }: AuditPins): string | undefined {
  const known = verifierCodes?.get(keyHash)
  if (known !== undefined) return known.toLowerCase()
  const { deployedBytecode } = verifierArtifactOf(build)
  return deployedBytecode.includes(keyHash.slice(2)) ? deployedBytecode.toLowerCase() : undefined
}

function judgeVerifier(model: ModelRecord, compiled: string | undefined, key: VerificationKey): readonly ClaimResult[] {
  const missing = missingConstant(model.verifierCode, key)
  const fails = (expected: string, found: string): ClaimResult => ({
    ...{ claim: 'A1', holds: false, field: 'models.verifierCode' },
    ...{ expected, found },
  })
  const constants =
    missing === undefined ? { claim: 'A1', holds: true } : fails(`the constants of ${missing}`, 'others')
  if (compiled === undefined) return [constants, fails('a verifier compiled from this key here', 'none at hand')]
  if (withoutMetadata(compiled) === withoutMetadata(model.verifierCode)) return [constants]
  return [constants, fails('the code compiled from the key', 'other code')]
}
