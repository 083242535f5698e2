/** Gathers a {@link DeployedRecord} from a node. Judges nothing. */
import type { ParamType } from 'ethers'
import { interfaceOf } from '../../registry/artifacts.ts'
import { ask, ContractRevertError } from '../../registry/contractErrors.ts'
import { ProverError } from '../../errors.ts'
import { inTurns } from '../nodeReads.ts'
import { type DeployedSource, readOf } from './reading.ts'
import { argumentsOf, contractOf, isMade, madeIn, restrictedIn, sourcesOfMedian } from './code.ts'
import { collectCommittee } from './committee.ts'
import { type AddressOf, collectCouncil } from './council.ts'
import type { ContractRecord, CreationRecord, DeployedRecord, Part, ReadRecord } from './record.ts'

/** A question that consumers ask: of the registry, or of another contract. */
export type Question = {
  readonly method: string
  readonly of: string
  readonly contract?: AskedContract
  /** Where that other contract stands, where there are several. */
  readonly at?: string
}
type AskedContract = 'RiskRegistry' | 'PortfolioRegistry' | 'CrossMarginRegistry' | 'RiskArrays' | 'OpenInterest'

/** What a registry of each kind is called by whoever asks it. */
const registries = {
  registry: 'RiskRegistry',
  portfolioRegistry: 'PortfolioRegistry',
  crossRegistry: 'CrossMarginRegistry',
} as const
export type RegistryPart = keyof typeof registries

export type DeployedPlace = {
  readonly part: RegistryPart
  readonly registry: string
  readonly modelRegistry: string
  /** Sources of observations, or of rounds and their arrays. */
  readonly sources: readonly AddressOf<'source' | 'rounds' | 'riskArrays'>[]
  /** Of a portfolio registry: where its open interest is counted. */
  readonly counts?: string
  readonly questions: readonly Question[]
}

/** @throws {@link RpcError} if the node does not answer, {@link NoCouncilError} if the registry names no council */
export async function collectDeployed(source: DeployedSource, place: DeployedPlace): Promise<DeployedRecord> {
  const { provider, end } = source
  const council: string = await readOf(source, 'RiskRegistry', place.registry, 'authority')
  const own: readonly AddressOf<Part>[] = [
    { part: place.part, address: place.registry },
    { part: 'modelRegistry', address: place.modelRegistry },
    { part: 'council', address: council },
  ]
  const contracts = await inTurns([...own, ...place.sources], (each) => contractRecord(source, each))
  const further = await inTurns(contracts.flatMap(madeOrNamedBy), (each) => contractRecord(source, each))
  const all = [...contracts, ...further]
  const targets = all.flatMap((each) => {
    const contract = restrictedIn(each)
    return contract === undefined ? [] : [{ contract, address: each.address }]
  })
  const block = await ask('Reading the last block', () => provider.getBlock(end))
  return {
    contracts: all,
    // A council may be older than the registry: whoever got a role before still has it.
    council: await collectCouncil(
      { ...source, registry: place.registry, fromBlock: Math.min(source.fromBlock, beganIn(contracts, council)) },
      council,
      targets,
    ),
    reads: await inTurns(place.questions, (question) => answerOf(source, place, question)),
    time: BigInt(block?.timestamp ?? 0),
  }
}

const beganIn = (contracts: readonly ContractRecord[], council: string): number =>
  contracts.find(({ part, address }) => part === 'council' && address === council)?.creation?.block ?? 0

/** Contracts that one of ours asks: those that it made, and sources of a median. */
function madeOrNamedBy({ part, code, creation }: ContractRecord): readonly AddressOf<Part>[] {
  const made = madeIn(contractOf({ part, code }), code)
  if (made.length > 0) return made
  const given = part === 'source' ? argumentsOf('MedianFeed', creation) : undefined
  return given === undefined ? [] : sourcesOfMedian(given).map((address) => ({ part: 'source', address }))
}

/** What a chain says of one contract. */
export async function contractRecord(
  source: DeployedSource,
  { part, address }: AddressOf<Part>,
): Promise<ContractRecord> {
  const { provider, end } = source
  const code = (await ask(`Reading the code at ${address}`, () => provider.getCode(address, end))).toLowerCase()
  const creation = isMade(part) ? null : await creationOf(source, address)
  return { part, address, code, creation, ...(await collectCommittee(source, { part, address, code, creation })) }
}

/** The first block with a contract's code, of a node that has the states of then. @throws {@link RpcError} if it has not */
export async function firstBlockWithCode(
  { provider, fromBlock, end }: DeployedSource,
  address: string,
): Promise<number> {
  const hasCode = async (block: number): Promise<boolean> =>
    (await ask('Looking for a creation', () => provider.getCode(address, block))) !== '0x'
  let [before, after] = [(await hasCode(fromBlock)) ? 0 : fromBlock, end]
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (await hasCode(middle)) after = middle
    else before = middle
  }
  return after
}

/** The transaction that created a contract: the one of the first block that has its code, if the node has the states of then. */
async function creationOf(source: DeployedSource, address: string): Promise<CreationRecord | null> {
  const { provider } = source
  try {
    const first = await firstBlockWithCode(source, address)
    const block = await ask('Reading a block', () => provider.getBlock(first))
    for (const transactionHash of block?.transactions ?? []) {
      const receipt = await ask('Reading a receipt', () => provider.getTransactionReceipt(transactionHash))
      if (receipt?.contractAddress !== address) continue
      const created = await ask('Reading a transaction', () => provider.getTransaction(transactionHash))
      if (created === null) return null
      const { from, nonce, data } = created
      return { block: first, transactionHash, from, nonce, data: data.toLowerCase() }
    }
    return null
  } catch (error) {
    // A node that has forgotten earlier states says so with an error of its own.
    if (error instanceof ProverError) return null
    throw error
  }
}

async function answerOf(
  source: DeployedSource,
  { part, registry, sources, counts = registry }: DeployedPlace,
  { method, of, contract = registries[part], at }: Question,
): Promise<ReadRecord> {
  const arrays = sources.find((each) => each.part === 'riskArrays')?.address ?? registry
  const asked = at ?? (contract === 'RiskArrays' ? arrays : contract === 'OpenInterest' ? counts : registry)
  try {
    const { inputs = [], outputs = [] } = interfaceOf(contract).getFunction(method) ?? {}
    const found = await readOf<ArrayLike<unknown>>(source, contract, asked, method, ...inputs.map(() => of))
    return { method, of, answer: flat(outputs, outputs.length === 1 ? [found] : found), reverted: null }
  } catch (error) {
    if (error instanceof ContractRevertError) return { method, of, answer: null, reverted: error.reason }
    throw error
  }
}

/** Values by name, those of structs without their struct's. */
function flat(types: readonly ParamType[], values: ArrayLike<unknown>): NonNullable<ReadRecord['answer']> {
  return types.flatMap(({ name, components }, i) =>
    components === null ? [{ name, value: String(values[i]) }] : flat(components, values[i] as ArrayLike<unknown>),
  )
}
