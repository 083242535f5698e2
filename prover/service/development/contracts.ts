/** Contracts for trying things: compiled by this project or published by others, put on a chain and called. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Contract, ContractFactory, type InterfaceAbi, type Signer, type TransactionReceipt } from 'ethers'
import { buildFolder } from '../../config.ts'
import { ContractsNotBuiltError } from '../../registry/index.ts'

export type Compiled = { readonly abi: InterfaceAbi; readonly bytecode: string }

/** Enough for every call here; given explicitly where a call is dear, so that it is not run twice to estimate. */
export const GAS_LIMIT = 15_000_000n

/**
 * A contract from the build, by its source and name.
 *
 * @throws {@link ContractsNotBuiltError}
 */
export function compiledAt(source: string, name: string): Compiled {
  try {
    return JSON.parse(readFileSync(join(buildFolder, 'artifacts', source, `${name}.json`), 'utf8'))
  } catch (error) {
    throw new ContractsNotBuiltError(name, error)
  }
}

/** A consumer of the project, by its name. */
export const consumer = (name: string): Compiled => compiledAt(`contracts/consumers/${name}.sol`, name)

export async function create(owner: Signer, { abi, bytecode }: Compiled, ...args: readonly unknown[]) {
  const contract = await new ContractFactory(abi, bytecode, owner).deploy(...args)
  await contract.waitForDeployment()
  return new Contract(await contract.getAddress(), abi, owner)
}

type Sent = { wait(): Promise<TransactionReceipt | null> }

/** Waits until a transaction is in a block. */
export async function done(sent: Promise<Sent>): Promise<TransactionReceipt> {
  return (await (await sent).wait()) as TransactionReceipt
}

/** A contract as somebody calls it. */
export const as = (who: Signer, contract: Contract): Contract => contract.connect(who) as Contract
