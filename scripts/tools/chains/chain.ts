/** A chain of its own for whoever asks, and what a call on it emitted. */
import type { BaseContract, ContractTransactionResponse, LogDescription, TransactionReceipt } from 'ethers'
import { network } from 'hardhat'
import type { CompiledContract } from './compileContract.ts'

export type Chain = Awaited<ReturnType<typeof startChain>>

/** Enough for every call that is tried here; given explicitly, so that ethers does not estimate, which runs the call twice. */
export const GAS_LIMIT = 15_000_000n

/**
 * Starts an in-process chain. Its clock moves by a second a block, however long the test takes.
 *
 * @param initialDate - of its first block; now, unless something older is to be brought to it
 * @param isStill - its clock moves only when it is set, whatever is sent in between
 */
export async function startChain(initialDate?: Date, isStill = false) {
  const { ethers, provider } = await network.create({
    override: { ...(initialDate === undefined ? {} : { initialDate }), allowBlocksWithSameTimestamp: isStill },
  })
  keepOwnTime(provider, isStill ? 0n : 1n)
  const signers = await ethers.getSigners()

  /** Deploys a contract of the project by name, or a compiled one. */
  async function deploy(contract: string | CompiledContract, ...args: readonly unknown[]) {
    const factory =
      typeof contract === 'string'
        ? await ethers.getContractFactory(contract)
        : new ethers.ContractFactory([...contract.abi], contract.bytecode, signers[0])
    const deployed = await factory.deploy(...args)
    await deployed.waitForDeployment()
    return ethers.getContractAt([...factory.interface.fragments], await deployed.getAddress())
  }

  const request = (method: string, ...params: readonly unknown[]) => provider.request({ method, params: [...params] })

  /** Time of the latest block, which is also the time calls see. */
  async function now(): Promise<bigint> {
    const block = await ethers.provider.getBlock('latest')
    return BigInt(block?.timestamp ?? 0)
  }

  /** Mines an empty block at a time. */
  async function setTime(timestamp: bigint): Promise<void> {
    await request('evm_mine', `0x${timestamp.toString(16)}`)
  }

  /** The next transaction is mined at this time. */
  async function setNextTime(timestamp: bigint): Promise<void> {
    await request('evm_setNextBlockTimestamp', `0x${timestamp.toString(16)}`)
  }

  /** Overwrites a storage slot. */
  async function setStorage(contract: BaseContract, slot: string, value: bigint): Promise<void> {
    await request('hardhat_setStorageAt', contract.target, slot, ethers.toBeHex(value, 32))
  }

  /** Runs a body and puts the chain back to where it was. */
  async function undone<T>(body: () => Promise<T>): Promise<T> {
    const snapshot = await request('evm_snapshot')
    try {
      return await body()
    } finally {
      await request('evm_revert', snapshot)
    }
  }

  return { ethers, provider, signers, deploy, request, now, setTime, setNextTime, setStorage, undone }
}

type Provider = { request(call: { readonly method: string; readonly params?: unknown }): Promise<unknown> }

const TELLS_TIME: ReadonlySet<string> = new Set(['evm_setNextBlockTimestamp', 'evm_mine', 'evm_revert'])

/**
 * Hardhat lets a chain's time run on with the machine's; here each block says its own. What mines or tells the time
 * goes one after the other: of two transactions sent at once, the second would find the first's block at its time.
 */
export function keepOwnTime(provider: Provider, blockSeconds: bigint): void {
  const request = provider.request.bind(provider)
  let isSaid = false
  let last: Promise<unknown> = Promise.resolve()
  provider.request = (call) => {
    const mines = call.method === 'eth_sendTransaction' || call.method === 'eth_sendRawTransaction'
    if (!mines && !TELLS_TIME.has(call.method)) return request(call)
    const answer = last.then(async () => {
      if (mines && !isSaid) {
        const latest = (await request({ method: 'eth_getBlockByNumber', params: ['latest', false] })) as Block
        const next = `0x${(BigInt(latest.timestamp) + blockSeconds).toString(16)}`
        await request({ method: 'evm_setNextBlockTimestamp', params: [next] })
      }
      if (call.method === 'evm_setNextBlockTimestamp') isSaid = true
      else if (mines) isSaid = false
      return request(call)
    })
    last = answer.catch(() => undefined)
    return answer
  }
}

type Block = { readonly timestamp: string }

/** Sends a transaction and waits for it. */
export async function mined(sent: Promise<ContractTransactionResponse>): Promise<TransactionReceipt> {
  const receipt = await (await sent).wait()
  if (receipt === null) throw new Error('The transaction was not mined.')
  return receipt
}

/** Events of a contract in a receipt, in order. */
export function eventsOf(receipt: TransactionReceipt, contract: BaseContract): readonly LogDescription[] {
  return receipt.logs
    .map((log) => contract.interface.parseLog(log))
    .filter((event): event is LogDescription => event !== null)
}
