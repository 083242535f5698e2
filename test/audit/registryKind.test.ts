/** What `zkrisk audit --registry` takes for a registry, and what it refuses by name. */
import { concat, Wallet } from 'ethers'
import { beforeAll, describe, expect, it } from 'vitest'
import { isPortfolioRegistry } from '../../prover/audit/index.ts'
import { isCrossRegistry } from '../../prover/audit/portfolio/crossAudit.ts'
import { registryKindAt } from '../../prover/audit/registryKind.ts'
import { artifactOf, type ContractName, verifierArtifactOf } from '../../prover/registry/artifacts.ts'
import { type Chain, startChain } from '../../scripts/tools/chains/chain.ts'
import { compileContract } from '../../scripts/tools/chains/compileContract.ts'

const contract = (name: string, body: string) =>
  compileContract(
    name,
    `// SPDX-License-Identifier: GPL-3.0-or-later\npragma solidity ^0.8.28;\ncontract ${name} { ${body} }`,
  )

let chain: Chain
const asked = (address: string) => registryKindAt(chain.ethers.provider, address)
beforeAll(async () => {
  chain = await startChain()
})

/** Code at an address of its own. */
async function placed(code: string): Promise<string> {
  const { address } = Wallet.createRandom()
  await chain.request('hardhat_setCode', address, code)
  return address
}
const codeOf = (name: ContractName): string => artifactOf(name).deployedBytecode
const deployed = async (name: string, body: string): Promise<string> =>
  String((await chain.deploy(contract(name, body))).target)

describe('R191: what stands at an address', () => {
  it.each([
    ['RiskRegistry', 'markets'],
    ['PortfolioRegistry', 'portfolio'],
    ['CrossMarginRegistry', 'cross'],
  ] as const)(
    '%s is a registry of %s, by its code, and by how it refuses where its code is another',
    async (name, kind) => {
      expect(await asked(await placed(codeOf(name)))).toBe(kind)
      // A byte that never runs: for the verdict (A7) to find.
      expect(await asked(await placed(concat([codeOf(name), '0x00'])))).toBe(kind)
    },
  )

  it.each([
    'OptionsVenue',
    'VenueOrders',
    'HedgingAgent',
    'RiskArrays',
    'OpenInterest',
    'AttestedRounds',
    'RiskCouncil',
  ] as const)('%s is none, and is called by its name', async (name) => {
    const address = await placed(codeOf(name))
    await expect(asked(address)).rejects.toMatchObject({
      ...{ code: 'audit.no-registry', registry: address },
      message: expect.stringContaining(`, got the contract ${name}.`),
    })
  })

  it('a verifier is none, and is called one', async () => {
    const verifier = await placed(verifierArtifactOf('marketRisk8x2').deployedBytecode)
    await expect(asked(verifier)).rejects.toMatchObject({
      ...{ code: 'audit.no-registry', message: expect.stringContaining('got a verifier of proofs') },
    })
  })

  it.each([
    ['answers everything with nothing', 'fallback(bytes calldata) external returns (bytes memory) { return ""; }'],
    [
      'answers everything with zeros',
      'fallback(bytes calldata) external returns (bytes memory) { return new bytes(4096); }',
    ],
    [
      'answers everything with what it was asked',
      'fallback(bytes calldata asked) external returns (bytes memory) { return asked; }',
    ],
    ['refuses everything', 'fallback(bytes calldata) external returns (bytes memory) { revert("no"); }'],
    [
      'refuses as a registry does, of somebody else',
      'error MarginNotYetProven(address account); fallback(bytes calldata) external returns (bytes memory) { revert MarginNotYetProven(msg.sender); }',
    ],
    ['has arrays, as venues and agents have', 'address public immutable arrays = address(this);'],
    [
      'has arrays of several markets',
      'function marketArrays() external view returns (address[] memory all) { all = new address[](2); all[0] = address(this); }',
    ],
  ])('what %s is none', async (_, body) => {
    const address = await deployed('Pretender', body)
    await expect(asked(address)).rejects.toMatchObject({ code: 'audit.no-registry', registry: address })
    const { provider } = chain.ethers
    expect([await isPortfolioRegistry(provider, address), await isCrossRegistry(provider, address)]).toEqual([
      false,
      false,
    ])
  })

  it('where nothing stands, that is said', async () => {
    await expect(asked(Wallet.createRandom().address)).rejects.toMatchObject({ code: 'registry.registry-missing' })
  })
})
