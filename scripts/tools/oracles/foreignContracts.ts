/** Contracts of oracles from their own npm packages: byte code where a package has it, else compiled from its sources. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type CompiledContract, compileContract } from '../chains/compileContract.ts'
import { contentHash, root, versionOf } from '../sources.ts'

const require = createRequire(import.meta.url)
const modules = join(root, 'node_modules')

/** Wormhole's core contract comes with its SDK, in parts: what sets it up, what it does, and the proxy before them. */
export function wormholePart(part: 'Setup' | 'Implementation' | 'Wormhole'): CompiledContract {
  const file = `@certusone/wormhole-sdk/lib/cjs/ethers-contracts/factories/${part}__factory.js`
  const bytecode = readFileSync(join(modules, file), 'utf8').match(/_bytecode\s*=\s*"(0x[0-9a-f]+)"/)?.[1]
  if (bytecode === undefined) throw new Error(`${file} has no byte code.`)
  return { abi: part === 'Wormhole' ? wormholeAbi : [], bytecode }
}

/** Of the proxy's constructor, and of what is called through it. */
const wormholeAbi = [
  { type: 'constructor', inputs: [{ type: 'address' }, { type: 'bytes' }] },
  { type: 'function', name: 'submitNewGuardianSet', inputs: [{ type: 'bytes' }], outputs: [] },
]

/** The aggregator that Chainlink's price feeds ran on in 2020, and the proxy that they are still read through. */
export function aggregatorPart(part: 'FluxAggregator' | 'EACAggregatorProxy'): CompiledContract {
  const file = join(modules, 'chainlink-aggregators', 'abi', 'v0.6', `${part}.json`)
  const { compilerOutput } = JSON.parse(readFileSync(file, 'utf8')) as {
    compilerOutput: { abi: object[]; evm: { bytecode: { object: string } } }
  }
  return { abi: compilerOutput.abi, bytecode: compilerOutput.evm.bytecode.object }
}

type Solc = { compile(input: string, callbacks: { import(path: string): { contents: string } }): string }
type Output = {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[]
  readonly contracts: Record<string, Record<string, { abi: object[]; evm: { bytecode: { object: string } } }>>
}

/**
 * A contract of @chainlink/contracts, by the compiler that it asks for, or from the cache.
 *
 * @param path - below the package's sources, without `.sol`, such as `llo-feeds/v0.5.0/Verifier`
 */
export function chainlinkPart(path: string): CompiledContract {
  const compiler = path.startsWith('llo-feeds/') ? 'solc-0.8.19' : 'solc'
  const key = contentHash([], path, versionOf(compiler), versionOf('@chainlink/contracts'))
  const file = join(root, 'build', 'testContracts', `${key}.json`)
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as CompiledContract
  const compiled = compile(compiler, `@chainlink/contracts/src/v0.8/${path}.sol`, path.slice(path.lastIndexOf('/') + 1))
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(compiled))
  renameSync(`${file}.${process.pid}`, file)
  return compiled
}

function compile(compiler: string, file: string, name: string): CompiledContract {
  const settings = {
    evmVersion: 'paris',
    optimizer: { enabled: true, runs: 200 },
    outputSelection: { [file]: { [name]: ['abi', 'evm.bytecode.object'] } },
  }
  const sources = { [file]: { content: readFileSync(join(modules, file), 'utf8') } }
  const answer = (require(compiler) as Solc).compile(JSON.stringify({ language: 'Solidity', sources, settings }), {
    import: (path) => ({ contents: readFileSync(join(modules, installed(path)), 'utf8') }),
  })
  const output = JSON.parse(answer) as Output
  const error = output.errors?.find(({ severity }) => severity === 'error')
  if (error) throw new Error(error.formattedMessage)
  const contract = output.contracts[file]?.[name]
  if (!contract) throw new Error(`${file} has no contract ${name}.`)
  return { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` }
}

/** The package names the version that it imports; npm installs one under that name, and of 5.0.2 an interface is as ours. */
const installed = (path: string): string =>
  path.replace('/contracts@4.8.3/', '/contracts-4.8.3/').replace('/contracts@5.0.2/', '/contracts/')

/**
 * A reader over RedStone's own consumer: of its production service, with the signers that the package has, or of other
 * signers.
 */
export const redStoneReader = (signers?: readonly string[]): CompiledContract =>
  compileContract(
    'Reader',
    `// SPDX-License-Identifier: BUSL-1.1
pragma solidity ^0.8.28;
import {AvalancheDataServiceConsumerBase} from
    "@redstone-finance/evm-connector/contracts/data-services/AvalancheDataServiceConsumerBase.sol";
contract Reader is AvalancheDataServiceConsumerBase {
    function read(bytes32 feedId) external view returns (uint256 value, uint256 timestampMs) {
        bytes32[] memory ids = new bytes32[](1);
        ids[0] = feedId;
        uint256[] memory values;
        (values, timestampMs) = _securelyExtractOracleValuesAndTimestampFromTxMsg(ids);
        value = values[0];
    }
${signers === undefined ? '' : authorised(signers)}}`,
  )

const authorised = (signers: readonly string[]): string => `
    function getAuthorisedSignerIndex(address signer) public view virtual override returns (uint8) {
${signers.map((signer, i) => `        if (signer == ${signer}) return ${i};`).join('\n')}
        revert SignerNotAuthorised(signer);
    }
`
