/** How whoever runs a chain's contracts could change them: a front before the true code, a check left out, another word. */
import { Interface } from 'ethers'
import { artifactOf, compiledContractOf, type ContractName } from '../../prover/registry/artifacts.ts'
import type { Chain } from '../../scripts/tools/chains/chain.ts'
import { compileContract } from '../../scripts/tools/chains/compileContract.ts'

/** Where the true code goes when a front takes its place. */
const BEHIND = `0x${'be'.repeat(20)}`

/**
 * Puts code before a contract's own: whatever it does not answer itself goes to the true code, over the same storage.
 *
 * @param body - Solidity: functions, and `after(bytes4 sig, bytes memory answer) returns (bytes memory)`
 */
export async function putBefore(chain: Chain, address: string, body: string): Promise<void> {
  const source = `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
contract Front {
    ${body}
    fallback(bytes calldata input) external returns (bytes memory) {
        (bool done, bytes memory answer) = ${BEHIND_CHECKSUMMED}.delegatecall(input);
        if (!done) assembly { revert(add(answer, 0x20), mload(answer)) }
        return changed(msg.sig, answer);
    }
}`
  const { bytecode } = compileContract('Front', source)
  await chain.request('hardhat_setCode', BEHIND, await chain.ethers.provider.getCode(address))
  const front = await new chain.ethers.ContractFactory([], bytecode, chain.signers[9]).deploy()
  const code = await chain.ethers.provider.getCode(await front.getAddress())
  await chain.request('hardhat_setCode', address, code)
}

const BEHIND_CHECKSUMMED = `address(${BigInt(BEHIND)})`

/** Answers as they are. */
export const UNCHANGED =
  'function changed(bytes4, bytes memory answer) private pure returns (bytes memory) { return answer; }'

/** Code with another word in each place of an immutable. */
export function withImmutable(code: string, contract: ContractName, name: string, value: bigint): string {
  const { starts } = compiledContractOf(contract).immutables.find((each) => each.name === name) ?? { starts: [] }
  if (starts.length === 0) throw new Error(`${contract} has no ${name}.`)
  const digits = value.toString(16).padStart(64, '0')
  return starts.reduce((rest, start) => rest.slice(0, 2 + 2 * start) + digits + rest.slice(66 + 2 * start), code)
}

const [POP, JUMPI, JUMPDEST, PUSH1, PUSH2, PUSH32] = [0x50, 0x57, 0x5b, 0x60, 0x61, 0x7f]

/** Code in which an error is reverted with no more: every jump to where that happens is left out, its condition dropped. */
export function withoutCheck(code: string, contract: ContractName, error: string): string {
  const selector = new Interface(artifactOf(contract).abi).getError(error)?.selector.slice(2)
  if (selector === undefined) throw new Error(`${contract} has no error ${error}.`)
  const bytes = Buffer.from(code.slice(2), 'hex')
  const blocks = new Set(blocksWith(bytes, selector))
  let left = 0
  for (const { at, opcode } of instructions(bytes)) {
    const isJump = opcode === PUSH2 && bytes[at + 3] === JUMPI && blocks.has(bytes.readUInt16BE(at + 1))
    if (!isJump) continue
    bytes.set([POP as number, JUMPDEST as number, JUMPDEST as number, JUMPDEST as number], at)
    left++
  }
  if (left === 0) throw new Error(`${contract} nowhere jumps to ${error}.`)
  return `0x${bytes.toString('hex')}`
}

/** Beginnings of the blocks that push a selector. */
function* blocksWith(bytes: Buffer, selector: string): Iterable<number> {
  let block = 0
  for (const { at, opcode, pushed } of instructions(bytes)) {
    if (opcode === JUMPDEST) block = at
    if (pushed.startsWith(selector)) yield block
  }
}

function* instructions(bytes: Buffer): Iterable<{ at: number; opcode: number; pushed: string }> {
  for (let at = 0; at < bytes.length; at++) {
    const opcode = bytes[at] as number
    const length = opcode >= (PUSH1 as number) && opcode <= (PUSH32 as number) ? opcode - (PUSH1 as number) + 1 : 0
    yield { at, opcode, pushed: bytes.subarray(at + 1, at + 1 + length).toString('hex') }
    at += length
  }
}
