/**
 * Sequences of requests to a venue: VenueSequences.sol run by Hardhat's engine for Solidity tests, in which thousands of them take a
 * minute. The venue and what it stands on are the contracts as they ship, but for a registry that is told margins; the engine chooses
 * requests by a seed, and shortens a sequence that fails.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  EdrContext,
  FsAccessPermission,
  type InvariantTestKind,
  L1_CHAIN_TYPE,
  l1HardforkToString,
  l1SolidityTestRunnerFactory,
  SpecId,
  type SuiteResult,
} from '@nomicfoundation/edr'
import { hexlify, Interface, type JsonFragment } from 'ethers'
import { buildFolder } from '../../prover/config.ts'
import { policyWordsOf } from '../../prover/registry/portfolio/deploy.ts'
import { compileRuntime } from '../../scripts/tools/chains/compileContract.ts'
import { E12, policy } from '../../scripts/tools/chains/portfolioEngine.ts'
import { root } from '../../scripts/tools/sources.ts'
import { withMutantNumber } from '../../scripts/verify/mutantPlugin.ts'
import { coin, rules } from './venue.ts'

const { version: solcVersion } = createRequire(import.meta.url)('solc/package.json') as { readonly version: string }
const NAME = 'VenueSequences'
const FILE = `test/consumers/${NAME}.sol`

/** Small enough for liquidations to use it up. */
const BUDGET_E12 = 1_000_000n * E12

type Sequences = {
  readonly runs: number
  /** Requests of each. */
  readonly steps: number
  readonly seed: number
  /** Creation code of the venue, 0x-hexadecimal; as it ships unless it is said. */
  readonly venue?: string
}

type Outcome = {
  /** What did not hold, and after which requests, as few as were found; undefined if all of it did. */
  readonly failure?: { readonly reason: string; readonly requests: readonly string[] }
  readonly requests: number
  /** How often each kind of request went through. */
  readonly done: ReadonlyMap<string, number>
}

export async function runSequences({ runs, steps, seed, venue }: Sequences): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'venue-'))
  const tally = join(folder, 'tally')
  const id = { name: NAME, source: FILE, solcVersion }
  try {
    const contract = sequencesContract(venue ?? shipped('consumers/OptionsVenue'), tally)
    const settings = {
      projectRoot: root,
      hardfork: l1HardforkToString(SpecId.Cancun),
      fsPermissions: [{ access: FsAccessPermission.WriteFile, path: tally }],
      disableBlockGasLimit: true,
      disableTransactionGasCap: true,
      fuzz: { seed: `0x${seed.toString(16)}` },
      // Numbers from the venue's storage and code say nothing here: each is taken modulo what it may be.
      invariant: {
        ...{ runs, depth: steps, failOnRevert: true },
        ...{ dictionaryWeight: 0, includeStorage: false, includePushBytes: false },
      },
    }
    const engine = await runner()
    // What was found may come after the run has ended.
    const suite = await new Promise<SuiteResult>((resolve, reject) => {
      engine
        .runSolidityTests(L1_CHAIN_TYPE, [{ id, contract }], [id], settings, { buildInfos: [] }, resolve)
        .catch(reject)
    })
    return outcomeOf(suite, tally)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

let context: Promise<EdrContext> | undefined
function runner(): Promise<EdrContext> {
  context ??= (async () => {
    const made = new EdrContext()
    await made.registerSolidityTestRunnerFactory(L1_CHAIN_TYPE, l1SolidityTestRunnerFactory())
    return made
  })()
  return context
}

const compiled = () => compileRuntime(NAME, readFileSync(join(root, FILE), 'utf8'))
const requestsOf = (abi: readonly object[]) => new Interface(abi as JsonFragment[])

/** Its constructor's arguments follow the code, as in any deployment; the engine takes contracts that need none. */
function sequencesContract(venue: string, tally: string) {
  const { abi, bytecode, deployedBytecode } = compiled()
  const codes = {
    council: shipped('registry/RiskCouncil'),
    models: shipped('registry/ModelRegistry'),
    rounds: shipped('market/AttestedRounds'),
    arrays: shipped('registry/RiskArrays'),
    registry: shipped('consumers/mocks/MockPortfolioRegistry'),
    token: coin(6).bytecode,
    venue,
  }
  const given = [codes, policyWordsOf(policy), { ...rules, budgetE12: BUDGET_E12 }, tally]
  const args = requestsOf(abi).encodeDeploy(given)
  const callable = (abi as readonly JsonFragment[]).filter(({ type }) => type !== 'constructor')
  return { abi: JSON.stringify(callable), bytecode: bytecode + args.slice(2), deployedBytecode }
}

/** Creation code of a contract as it is built. */
function shipped(path: string): string {
  const name = path.split('/').at(-1) as string
  const file = join(buildFolder, 'artifacts', 'contracts', `${path}.sol`, `${name}.json`)
  return withMutantNumber((JSON.parse(readFileSync(file, 'utf8')) as { readonly bytecode: string }).bytecode)
}

function outcomeOf({ testResults }: SuiteResult, tally: string): Outcome {
  const [result] = testResults
  if (result === undefined) throw new Error('The engine found no sequences to run.')
  const { calls: requests } = result.kind as InvariantTestKind
  const shared = { requests: Number(requests), done: doneIn(tally) }
  if (result.status === 'Success') return shared
  const { counterexample: found, reason = 'no reason' } = result
  const calls = found !== undefined && 'sequence' in found ? found.sequence : []
  const names = requestsOf(compiled().abi)
  const texts = calls.map(({ calldata }) => names.parseTransaction({ data: hexlify(calldata) }))
  return { ...shared, failure: { reason, requests: texts.map((call) => `${call?.name}(${call?.args.join(', ')})`) } }
}

/** A line a sequence: kinds of requests, each with how often it went through. */
function doneIn(tally: string): ReadonlyMap<string, number> {
  const done = new Map<string, number>()
  const lines = existsSync(tally) ? readFileSync(tally, 'utf8').split('\n') : []
  for (const [, kind = '', count] of lines.flatMap((line) => [...line.matchAll(/(\w+) (\d+)/g)])) {
    done.set(kind, (done.get(kind) ?? 0) + Number(count))
  }
  return done
}
