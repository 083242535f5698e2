/** A contract that a chain takes none of, since it is too large, and one that is as large as may be. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ContractTooLargeError } from '../../prover/registry/codeSize.ts'
import { ContractRevertError } from '../../prover/registry/contractErrors.ts'
import { deployContract } from '../../prover/registry/transactions.ts'
import { type DevelopmentChain, startDevelopmentChain } from '../../prover/service/development/chain.ts'

let chain: DevelopmentChain
beforeAll(async () => {
  chain = await startDevelopmentChain(1_700_000_000n)
})
afterAll(() => chain.close())

const hexOf = (value: number, bytes: number): string => value.toString(16).padStart(2 * bytes, '0')
/** Leaves so many zero bytes, and has so many bytes more than it needs. */
const contractOf = (runtime: number, more = 0) => ({
  ...{ abi: [], bytecode: `0x62${hexOf(runtime, 3)}6000f3${'00'.repeat(more)}` },
  deployedBytecode: `0x${'00'.repeat(runtime)}`,
})
const deploy = (contract: ReturnType<typeof contractOf>) =>
  deployContract(chain.account('council'), 'a contract', contract, [])
/** Of the creation code above. */
const OWN = 7

it('is created up to the limits of EIP-170 and EIP-3860', async () => {
  expect(await deploy(contractOf(24_576))).toMatch(/^0x/)
  expect(await deploy(contractOf(1, 49_152 - OWN))).toMatch(/^0x/)
})

it.each([
  ['its code has 24577 bytes, where EIP-170 allows 24576', contractOf(24_577), 24_577, 24_576],
  ['its creation code has 49153 bytes, where EIP-3860 allows 49152', contractOf(1, 49_153 - OWN), 49_153, 49_152],
] as const)('is refused with size and limit: %s', async (says, contract, bytes, most) => {
  const refused = deploy(contract)
  await expect(refused).rejects.toBeInstanceOf(ContractTooLargeError)
  await expect(refused).rejects.toMatchObject({ code: 'registry.contract-too-large', bytes, most })
  await expect(refused).rejects.toThrow(says)
})

it('is told as ever where something else is wrong with it', async () => {
  const reverting = { abi: [], bytecode: '0x60006000fd', deployedBytecode: '0x00' }
  await expect(deploy(reverting)).rejects.toBeInstanceOf(ContractRevertError)
})
