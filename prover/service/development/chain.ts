/**
 * A chain for trying things: Hardhat's, inside this process or behind a JSON-RPC port, at any date. It never holds money:
 * its accounts' keys are public.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import {
  BrowserProvider,
  type Eip1193Provider,
  type JsonRpcApiProvider,
  type JsonRpcProvider,
  Network,
  Wallet,
} from 'ethers'
import { ProverError } from '../../errors.ts'
import { projectRoot } from '../../config.ts'
import { utcTime } from '../text/figures.ts'

/** Hardhat's own; on the list of chains that take development keys. */
const DEVELOPMENT_CHAIN_ID = 31337n

/** Keys of the first accounts of Hardhat's published mnemonic, funded on every development chain. */
const ACCOUNT_KEYS = [
  '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
  '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d',
  '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a',
] as const

/** Who does what on a development chain. */
export const developmentKeys = {
  council: ACCOUNT_KEYS[0],
  feeder: ACCOUNT_KEYS[1],
  prover: ACCOUNT_KEYS[2],
} as const

/** Signers of the development feed, k of n; anyone can read these keys, so they attest nothing. */
export const FEED_SIGNER_KEYS: readonly string[] = [1, 2, 3].map((n) => `0x${n.toString(16).padStart(64, '0')}`)
export const FEED_THRESHOLD = 2

export type DevelopmentChain = {
  readonly provider: JsonRpcApiProvider
  readonly chainId: bigint
  /** A funded account. */
  account(role: keyof typeof developmentKeys): Wallet
  /** The next block is mined at this time; the chain's clock runs on from there. */
  setNextTime(timestamp: bigint): Promise<void>
  /** The latest block's time. */
  now(): Promise<bigint>
  close(): Promise<void>
}

/** Somebody else may move the clock between any two calls; he who moves it as often has to end first. */
export const MOST_MOVES = 20

/** The next block is mined at a time at the earliest, though somebody else, as a feed that is replayed, moves the clock as well. */
export async function moveClockTo(chain: DevelopmentChain, time: bigint): Promise<void> {
  if ((await chain.now()) >= time) return
  try {
    await chain.setNextTime(time)
  } catch (error) {
    // Moved beyond it meanwhile, which is as good.
    if ((await chain.now()) < time) throw error
  }
}

/**
 * The clock passes a time, with a block of its own: whoever sets an earlier time for the next block cannot undo that.
 *
 * @throws {@link ClockContendedError}
 */
export async function passTime(chain: DevelopmentChain, time: bigint): Promise<void> {
  for (let moves = 0; moves < MOST_MOVES; moves++) {
    await moveClockTo(chain, time)
    if ((await chain.now()) >= time) return
    await chain.provider.send('evm_mine', [])
  }
  if ((await chain.now()) < time) throw new ClockContendedError(time)
}

/**
 * Starts a chain inside this process.
 *
 * @param startTime - of its first block, unix seconds
 */
export async function startDevelopmentChain(startTime: bigint): Promise<DevelopmentChain> {
  const { network } = await hardhatAt(startTime)
  const connection = await network.create('chain')
  const provider = new BrowserProvider(
    connection.provider as unknown as Eip1193Provider,
    Network.from(DEVELOPMENT_CHAIN_ID),
    { staticNetwork: true, cacheTimeout: -1, pollingInterval: 25 },
  )
  return developmentChain(provider, async () => {
    provider.destroy()
    await connection.close()
  })
}

/** The same functions for a development chain behind an RPC. */
export function developmentChainBehind(provider: JsonRpcProvider): DevelopmentChain {
  return developmentChain(provider, async () => provider.destroy())
}

/**
 * Serves a chain on a port of this machine.
 *
 * @throws {@link PortTakenError}
 */
export async function serveDevelopmentChain(
  startTime: bigint,
  port: number,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  await requireFree(port)
  const { network } = await hardhatAt(startTime)
  const server = await network.createServer('chain', '127.0.0.1', port)
  try {
    const address = await server.listen()
    return { url: `http://127.0.0.1:${address.port}`, close: () => server.close() }
  } catch (error) {
    throw new PortTakenError(port, error)
  }
}

/** The chain's own server would end the process: its socket tells of a port that is taken where nobody listens. */
async function requireFree(port: number): Promise<void> {
  const trial = createServer()
  try {
    trial.listen(port, '127.0.0.1')
    await once(trial, 'listening')
  } catch (error) {
    throw new PortTakenError(port, error)
  }
  trial.close()
  await once(trial, 'close')
}

async function hardhatAt(startTime: bigint) {
  const { createHardhatRuntimeEnvironment } = await import('hardhat/hre').catch((error: unknown) => {
    throw new HardhatMissingError(error)
  })
  const initialDate = new Date(Number(startTime) * 1000)
  return createHardhatRuntimeEnvironment(
    {
      networks: {
        chain: { type: 'edr-simulated', chainId: Number(DEVELOPMENT_CHAIN_ID), initialDate, loggingEnabled: false },
      },
    },
    {},
    projectRoot,
  )
}

function developmentChain(provider: JsonRpcApiProvider, close: () => Promise<void>): DevelopmentChain {
  return {
    provider,
    chainId: DEVELOPMENT_CHAIN_ID,
    account: (role) => new Wallet(developmentKeys[role], provider),
    setNextTime: async (timestamp) => {
      await provider.send('evm_setNextBlockTimestamp', [`0x${timestamp.toString(16)}`])
    },
    now: async () => BigInt((await provider.send('eth_getBlockByNumber', ['latest', false])).timestamp),
    close,
  }
}

/** Hardhat is a dependency of the checkout, not of the published package. */
export class HardhatMissingError extends ProverError {
  readonly code = 'service.hardhat-missing'

  constructor(cause: unknown) {
    super('A development chain needs Hardhat, which is not installed. Run this in a checkout after `npm ci`.', {
      cause,
    })
  }
}

/** Somebody else moves the clock of the chain all the time. */
export class ClockContendedError extends ProverError {
  readonly code = 'service.clock-contended'
  readonly time: bigint

  constructor(time: bigint) {
    super(
      `Expected to move the development chain's clock to ${utcTime(time)} UTC, but somebody else sets it back each time. ` +
        'End the feed that is replayed to it, and try again.',
    )
    this.time = time
  }
}

/** Something else listens on the port. */
export class PortTakenError extends ProverError {
  readonly code = 'service.port-taken'
  readonly port: number

  constructor(port: number, cause: unknown) {
    super(`Could not listen on port ${port} of this machine. End what uses it or choose another with --port.`, {
      cause,
    })
    this.port = port
  }
}
