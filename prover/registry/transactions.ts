/** Contracts put on a chain and called there, one transaction after the other. */
import { Contract, ContractFactory, type InterfaceAbi, isError, type Signer } from 'ethers'
import { ProverError } from '../errors.ts'
import { type Artifact, type ContractName, interfaceOf } from './artifacts.ts'
import { codeSizeOf, tooLarge } from './codeSize.ts'
import { typedCallError } from './contractErrors.ts'

/** Deploys a compiled contract; returns its address. @throws {@link ContractTooLargeError} */
export async function deployContract(
  signer: Signer,
  name: string,
  artifact: Artifact,
  args: readonly unknown[],
): Promise<string> {
  const doing = `Deploying ${name}`
  const factory = new ContractFactory(artifact.abi as InterfaceAbi, artifact.bytecode, signer)
  try {
    return await attempt(doing, async () => {
      const contract = await factory.deploy(...args)
      await contract.waitForDeployment()
      return contract.getAddress()
    })
  } catch (error) {
    const { data } = await factory.getDeployTransaction(...args)
    throw tooLarge(doing, codeSizeOf(data, artifact), error) ?? error
  }
}

/** Sends a transaction and waits for it; returns its block. */
export async function transact(
  signer: Signer,
  address: string,
  contract: ContractName,
  method: string,
  args: readonly unknown[],
): Promise<number> {
  return attempt(`Calling ${contract}.${method}`, async () => {
    const sent = await new Contract(address, interfaceOf(contract), signer).getFunction(method)(...args)
    const receipt = await sent.wait()
    return receipt.blockNumber
  })
}

/** Runs what may fail on the chain, and says so in our terms. */
export async function attempt<Result>(doing: string, action: () => Promise<Result>): Promise<Result> {
  try {
    return await action()
  } catch (error) {
    if (isError(error, 'INSUFFICIENT_FUNDS')) throw new InsufficientFundsError(doing, error)
    throw typedCallError(error, doing)
  }
}

/** The signer is connected to no chain. */
export class SignerOffChainError extends ProverError {
  readonly code = 'registry.signer-off-chain'

  constructor() {
    super('The signer has no provider. Connect it to the chain that the engine is for.')
  }
}

/** The account that pays has too little. */
export class InsufficientFundsError extends ProverError {
  readonly code = 'registry.insufficient-funds'

  constructor(doing: string, cause: unknown) {
    super(`${doing}: the account cannot pay for the transaction. Fund it and try again.`, { cause })
  }
}
