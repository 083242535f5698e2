/** Runtime and creation code against what was compiled here: what may differ is masked and compared by name. */
import { AbiCoder, getAddress, getCreateAddress, id, Interface, toBeHex, TypedDataEncoder, ZeroAddress } from 'ethers'
import {
  type CompiledContract,
  compiledContractOf,
  type ContractName,
  ContractsNotBuiltError,
  interfaceOf,
} from '../../registry/artifacts.ts'
import { type RestrictedContract, restrictedFunctions } from '../../registry/authority.ts'
import { type ClaimResult, compare } from '../../registry/claims.ts'
import type { ContractRecord, Part } from './record.ts'

/** Which of our contracts something for a purpose may be. */
export const contractsFor = {
  registry: ['RiskRegistry'],
  portfolioRegistry: ['PortfolioRegistry'],
  crossRegistry: ['CrossMarginRegistry'],
  riskArrays: ['RiskArrays'],
  modelRegistry: ['ModelRegistry'],
  council: ['RiskCouncil'],
  source: [
    'AttestedFeed',
    'ScaledFeed',
    'MedianFeed',
    'PythAdapter',
    'ChainlinkStreamsAdapter',
    'ChainlinkFeedAdapter',
    'RedStoneAdapter',
  ],
  rounds: ['AttestedRounds', 'ScaledRounds'],
  batchVerifier: ['BatchVerifier'],
  improvement: ['Improvement'],
  counts: ['OpenInterest'],
  policyBounds: ['PortfolioPolicyBounds'],
  policyChecks: ['PolicyChecks'],
  inboxPlaces: ['InboxPlaces'],
  venue: ['OptionsVenue'],
  venueOrders: ['VenueOrders'],
} as const satisfies Record<Part, readonly ContractName[]>

/** A compiler's note of its input's hash, which differs with file names: the hash alone is passed over. */
const METADATA = /a2646970667358221220([0-9a-f]{64})64736f6c6343/g
const WORD_DIGITS = 64

const withoutPrefix = (code: string): string => code.replace(/^0x/, '').toLowerCase()

/** Code as it was compiled here, and where other code of it may differ: hashes of metadata, and immutables. */
type Compiled = { readonly digits: string; readonly masked: string; readonly places: readonly number[] }

const compiledCodes = new WeakMap<CompiledContract, { readonly creation: Compiled; readonly runtime: Compiled }>()

/** An auditor compares every contract of a deployment with each of those that it may be. */
function compiledCodesOf(contract: CompiledContract) {
  const known = compiledCodes.get(contract)
  if (known !== undefined) return known
  const starts = contract.immutables.flatMap((each) => each.starts)
  const codes = { creation: compiledOf(contract.bytecode), runtime: compiledOf(contract.deployedBytecode, starts) }
  compiledCodes.set(contract, codes)
  return codes
}

function compiledOf(code: string, starts: readonly number[] = []): Compiled {
  const digits = withoutPrefix(code)
  const hashes = [...digits.matchAll(METADATA)].map(({ index }) => index + METADATA.source.indexOf('('))
  const places = [...hashes, ...starts.map((start) => 2 * start)].toSorted((a, b) => a - b)
  return { digits, masked: masked(digits, places), places }
}

/** Digits, with zeros for a word at each of these places. */
function masked(digits: string, places: readonly number[]): string {
  const whole = places.filter((from) => from + WORD_DIGITS <= digits.length)
  const between = [0, ...whole.map((from) => from + WORD_DIGITS)].map((from, i) => digits.slice(from, whole[i]))
  return between.join('0'.repeat(WORD_DIGITS))
}

/** The contract, of those that something may be, whose code this is; the first where it is of none. */
export function contractOf({ part, code }: Pick<ContractRecord, 'part' | 'code'>): ContractName {
  const names: readonly ContractName[] = contractsFor[part]
  return names.find((name) => isCodeOf(compiledContractOf(name), code)) ?? (names[0] as ContractName)
}

/** Which of all our contracts a code is of; undefined if it is of none. */
export function contractWithCode(code: string): ContractName | undefined {
  const names: readonly ContractName[] = [...Object.values(contractsFor).flat(), 'HedgingAgent']
  return names.find((name) => {
    try {
      return isCodeOf(compiledContractOf(name), code)
    } catch (error) {
      // A build for markets alone has not compiled them all.
      if (error instanceof ContractsNotBuiltError) return false
      throw error
    }
  })
}

/** The contract whose restricted functions the council must rule; undefined of what has none, or is not ours. */
export function restrictedIn(record: Pick<ContractRecord, 'part' | 'code'>): RestrictedContract | undefined {
  if (record.part === 'source' && !isOurs(record)) return undefined
  const names: readonly string[] = [plainOf(contractOf(record))]
  return names.find((name): name is RestrictedContract => name in restrictedFunctions)
}

/** What only knows scales besides is governed, and signed for, as what does not. */
const withoutScale: Partial<Record<ContractName, ContractName>> = {
  ScaledFeed: 'AttestedFeed',
  ScaledRounds: 'AttestedRounds',
}
const plainOf = (contract: ContractName): ContractName => withoutScale[contract] ?? contract

/** Whether the code is of one of the contracts that it may be. */
export const isOurs = ({ part, code }: Pick<ContractRecord, 'part' | 'code'>): boolean =>
  contractsFor[part].some((name) => isCodeOf(compiledContractOf(name), code))

function isCodeOf(contract: CompiledContract, code: string): boolean {
  if (code.length !== contract.deployedBytecode.length) return false
  const { runtime } = compiledCodesOf(contract)
  return masked(withoutPrefix(code), runtime.places) === runtime.masked
}

/** The value of an immutable in code, at each of its places. */
function immutableIn(contract: ContractName, name: string, code: string): readonly bigint[] {
  const { starts } = compiledContractOf(contract).immutables.find((each) => each.name === name) ?? { starts: [] }
  const digits = withoutPrefix(code)
  return starts.map((start) => BigInt(`0x0${digits.slice(2 * start, 2 * start + WORD_DIGITS)}`))
}

/** A7: the code is the one compiled here. */
export function judgeCode(at: string, contract: ContractName, { part, code }: ContractRecord): ClaimResult {
  const compiled = compiledContractOf(contract)
  if (isCodeOf(compiled, code)) return { claim: 'A7', holds: true }
  const expected = `the code of ${contractsFor[part].join(' or ')} as compiled here`
  if (code === '0x') return { claim: 'A7', holds: false, field: `${at}.code`, expected, found: 'no code' }
  return { claim: 'A7', holds: false, field: `${at}.code`, expected, found: differenceOf(compiled, code) }
}

const PUSH1 = 0x60
const PUSH4 = 0x63
const PUSH32 = 0x7f

/** Where other code begins, and which functions it has besides or lacks. */
function differenceOf(contract: CompiledContract, code: string): string {
  const { digits: expected, masked: a, places } = compiledCodesOf(contract).runtime
  const found = withoutPrefix(code)
  const b = masked(found.slice(0, expected.length), places)
  let at = 0
  while (at < a.length && a[at] === b[at]) at++
  const abi = Interface.from(JSON.stringify(contract.abi))
  const [known, pushed] = [selectorsIn(expected), selectorsIn(found)]
  const lacking = [...known].filter((selector) => !pushed.has(selector)).flatMap((each) => nameOf(abi, each))
  // The dispatcher comes first, so whatever is new among the first selectors is a function.
  const besides = [...pushed].filter((selector) => !known.has(selector)).slice(0, 4)
  return [
    `other code from byte ${Math.floor(at / 2)} on, ${found.length / 2} bytes instead of ${expected.length / 2}`,
    ...(besides.length === 0 ? [] : [`with the selectors ${besides.join(', ')} besides`]),
    ...(lacking.length === 0 ? [] : [`without ${lacking.join(', ')}`]),
  ].join(', ')
}

const nameOf = (abi: Interface, selector: string): readonly string[] => {
  const name = abi.getFunction(selector)?.name
  return name === undefined ? [] : [name]
}

function selectorsIn(digits: string): ReadonlySet<string> {
  const bytes = Buffer.from(digits, 'hex')
  const found = new Set<string>()
  for (let i = 0; i < bytes.length; i++) {
    const opcode = bytes[i] as number
    if (opcode < PUSH1 || opcode > PUSH32) continue
    const length = opcode - PUSH1 + 1
    if (opcode === PUSH4) found.add(`0x${bytes.subarray(i + 1, i + 1 + length).toString('hex')}`)
    i += length
  }
  return found
}

/** Digits of arguments: 256 signers are 16,384. */
const MOST_ARGUMENTS = 65_536

/** What a constructor was given, by name. */
export type ConstructorArguments = Readonly<Record<string, unknown>>

/** @returns undefined if the transaction does not create this contract */
export function argumentsOf(
  contract: ContractName,
  creation: ContractRecord['creation'],
): ConstructorArguments | undefined {
  if (creation === null) return undefined
  const { digits: compiled, masked: expected, places } = compiledCodesOf(compiledContractOf(contract)).creation
  const given = withoutPrefix(creation.data)
  if (given.length > compiled.length + MOST_ARGUMENTS) return undefined
  if (masked(given.slice(0, compiled.length), places) !== expected) return undefined
  const { inputs } = interfaceOf(contract).deploy
  const encoded = `0x${given.slice(compiled.length)}`
  try {
    const values = AbiCoder.defaultAbiCoder().decode(inputs, encoded)
    if (AbiCoder.defaultAbiCoder().encode(inputs, [...values]) !== encoded) return undefined
    return Object.fromEntries(
      inputs.flatMap(({ name, components }, i) => {
        const members = (components ?? []).map((member, j) => [`${name}.${member.name}`, values[i][j]] as const)
        return [[name, values[i]] as const, ...members]
      }),
    )
  } catch {
    return undefined
  }
}

/** Whom a median asks: its sources, and where its implied volatilities come from if not from these. */
export function sourcesOfMedian(given: ConstructorArguments): readonly string[] {
  const sources = [...(given.sources_ as Iterable<string>)]
  const implied = given.impliedSource_ as string
  return implied === ZeroAddress || sources.includes(implied) ? sources : [...sources, implied]
}

/** A9: the transaction ran the constructor compiled here, so that nothing else was written at the start. */
export function judgeCreation(at: string, contract: ContractName, record: ContractRecord): readonly ClaimResult[] {
  const { creation, address } = record
  const fails = (expected: string, found: string): readonly ClaimResult[] => [
    { claim: 'A9', holds: false, field: `${at}.creation`, expected, found },
  ]
  if (creation === null) {
    return fails('the transaction that created it', 'none that the node tells of: ask one that keeps the state of then')
  }
  const { from, nonce } = creation
  if (argumentsOf(contract, creation) === undefined) {
    return fails(`the constructor of ${contract} as compiled here`, 'other creation code')
  }
  return [compare('A9', `${at}.creation`, getCreateAddress({ from, nonce }), address)]
}

/**
 * A8: every value that the constructor left in the code is what it was given, or what its place implies.
 *
 * @param fromMaker what another contract that made it gave it, by name
 */
export function judgeImmutables(
  at: string,
  contract: ContractName,
  { code, address, creation }: ContractRecord,
  chainId: bigint,
  fromMaker: Readonly<Record<string, bigint>> = {},
): readonly ClaimResult[] {
  const { immutables } = compiledContractOf(contract)
  const implied = { ...impliedBy(contract, address, chainId), ...fromMaker }
  const given = argumentsOf(contract, creation) ?? {}
  return immutables
    .filter(({ name }) => !Object.values<string>(madeBy(contract)).includes(name))
    .flatMap(({ name }) => {
      const expected = implied[name] ?? givenAs(given, name)
      return immutableIn(contract, name, code).map((found) =>
        compare('A8', `${at}.${name}`, shown(expected), shown(found)),
      )
    })
}

/** Not parameters of a constructor: it makes these contracts itself, whose code is judged as any other's. */
const madeByRegistries: Partial<Record<ContractName, Partial<Record<Part, string>>>> = {
  PortfolioRegistry: {
    batchVerifier: 'BookFolding._batchVerifier',
    improvement: 'PortfolioRegistry._improvement',
    counts: 'CountedAccounts._counts',
  },
  CrossMarginRegistry: { batchVerifier: 'BookFolding._batchVerifier' },
  RiskArrays: { batchVerifier: 'RiskArrays._batchVerifier', policyBounds: 'PortfolioPolicy._bounds' },
  RiskRegistry: { policyChecks: 'RiskPolicy.policyChecks', inboxPlaces: 'Shadows.inboxPlaces' },
  OptionsVenue: { venueOrders: 'VenueChanges.orders' },
}

const madeBy = (contract: ContractName): Partial<Record<Part, string>> => madeByRegistries[contract] ?? {}

/** Whether another contract makes such a one. */
export const isMade = (part: Part): boolean => Object.values(madeByRegistries).some((made) => part in made)

/** What a contract made, as its code has it. */
export const madeIn = (
  contract: ContractName,
  code: string,
): readonly { readonly part: Part; readonly address: string }[] =>
  Object.entries(madeBy(contract)).map(([part, name]) => {
    const [address = 0n] = immutableIn(contract, name, code)
    return { part: part as Part, address: addressText(address) }
  })

/** `RiskRegistry.models` was given as `models_`, `PlausibleInbox._jumpBps` within a structure. */
function givenAs(given: ConstructorArguments, name: string): bigint | undefined {
  const parameter = name.slice(name.indexOf('.') + 1)
  const member = Object.keys(given).find((key) => key.endsWith(`.${parameter.replace(/^_/, '')}`)) ?? ''
  const value = given[`${parameter}_`] ?? given[parameter] ?? given[member]
  return typeof value === 'bigint' || typeof value === 'string' ? BigInt(value) : undefined
}

const ADDRESS_BITS = 160

/** The address that stands in 32 bytes of code. */
const addressText = (value: bigint): string => getAddress(toBeHex(BigInt.asUintN(ADDRESS_BITS, value), 20))

/** Addresses, hashes and numbers alike. */
function shown(value: bigint | undefined): string {
  if (value === undefined) return 'what its constructor was given'
  if (value < 1n << 64n) return value.toString()
  return value >> BigInt(ADDRESS_BITS) === 0n ? addressText(value) : toBeHex(value, 32)
}

/** OpenZeppelin's EIP712 keeps its domain. */
function impliedBy(contract: ContractName, verifyingContract: string, chainId: bigint): Record<string, bigint> {
  const domain = { name: `zk-risk-engine ${plainOf(contract)}`, version: '1', chainId, verifyingContract }
  return {
    'EIP712._cachedChainId': chainId,
    'EIP712._cachedDomainSeparator': BigInt(TypedDataEncoder.hashDomain(domain)),
    'EIP712._cachedThis': BigInt(verifyingContract),
    'EIP712._hashedName': BigInt(id(domain.name)),
    'EIP712._hashedVersion': BigInt(id(domain.version)),
    'EIP712._name': shortString(domain.name),
    'EIP712._version': shortString(domain.version),
  }
}

/** Text of less than 32 bytes from the left, its length in the last byte. */
function shortString(value: string): bigint {
  const bytes = Buffer.alloc(32)
  bytes.write(value)
  bytes[31] = Buffer.byteLength(value)
  return BigInt(`0x${bytes.toString('hex')}`)
}
