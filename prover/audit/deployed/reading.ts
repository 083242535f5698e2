/** Questions to a deployed contract, as of a block. */
import { Contract, type Provider, toBeHex } from 'ethers'
import { type ContractName, interfaceOf } from '../../registry/artifacts.ts'
import { ask } from '../../registry/contractErrors.ts'

/** Where contracts are read, and as of when. */
export type DeployedSource = { readonly provider: Provider; readonly fromBlock: number; readonly end: number }

/** @throws {@link RpcError}, {@link ContractRevertError} */
export async function readOf<T>(
  { provider, end }: DeployedSource,
  contract: ContractName,
  address: string,
  method: string,
  ...args: readonly unknown[]
): Promise<T> {
  const target = new Contract(address, interfaceOf(contract), provider)
  return ask(`Reading ${method}`, () => target.getFunction(method)(...args, { blockTag: toBeHex(end) }))
}
