/** Chains of other ids than the built-in one, in processes of their own, and deployments on them from the command line. */
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hexlify, JsonRpcProvider, Network, parseEther, randomBytes, toQuantity, Wallet } from 'ethers'

export type OtherChain = {
  readonly rpc: string
  readonly provider: JsonRpcProvider
  /** An account of nobody else's, with coins. */
  account(): Promise<Wallet>
  /** Mines a block so many seconds later. */
  later(seconds: number): Promise<void>
  close(): void
}

/** A key that nobody else has; no words that stand for it, which take longer. */
export const randomKey = (): string => hexlify(randomBytes(32))

/** Serves a chain in another process. */
export async function startOtherChain(chainId: number): Promise<OtherChain> {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, 'otherChain.ts'), `${chainId}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const rpc = await new Promise<string>((resolve, reject) => {
    child.on('error', reject).on('exit', () => reject(new Error('The chain ended.')))
    child.stdout?.setEncoding('utf8').on('data', (text: string) => resolve(text.trim()))
  })
  const network = Network.from(chainId)
  const provider = new JsonRpcProvider(rpc, network, { staticNetwork: network, cacheTimeout: -1, pollingInterval: 25 })
  return {
    rpc,
    provider,
    account: async () => {
      const wallet = new Wallet(randomKey(), provider)
      await provider.send('hardhat_setBalance', [wallet.address, toQuantity(parseEther('1'))])
      return wallet
    },
    later: async (seconds) => {
      await provider.send('evm_increaseTime', [seconds])
      await provider.send('evm_mine', [])
    },
    close: () => {
      provider.destroy()
      child.kill()
    },
  }
}

/** Who does what in a deployment of a test, with keys that nobody else has. */
export type Cast = {
  readonly deployer: Wallet
  readonly council: Wallet
  readonly guardian: Wallet
  readonly canceller: Wallet
  readonly signers: readonly Wallet[]
}

export async function castOn(chain: OtherChain): Promise<Cast> {
  const [deployer, council] = [await chain.account(), await chain.account()]
  const [guardian, canceller] = [await chain.account(), await chain.account()]
  const signers = [1, 2, 3].map(() => new Wallet(randomKey()))
  return { deployer, council, guardian, canceller, signers }
}

/** A file of one market under EWMA; `change` says otherwise. */
export function configOf(
  chainId: number,
  { council, guardian, canceller, signers }: Cast,
  change: object = {},
): object {
  const addresses = signers.map(({ address }) => address)
  return {
    chainId,
    council: { account: council.address, delayHours: 48 },
    guardian: guardian.address,
    canceller: canceller.address,
    sources: [{ name: 'own', kind: 'attestedFeed', signers: addresses, threshold: 2 }],
    models: [{ build: 'marketRisk8x2' }],
    markets: [{ name: 'BTC-USD', volatilityModel: 'ewma', firstVolatilityPercent: 75 }],
    ...change,
  }
}

/** Writes what a run needs; the arguments of `zkrisk deploy` for it. */
export function deployArgs(folder: string, chain: OtherChain, { deployer }: Cast, config: object): readonly string[] {
  const file = (name: string): string => join(folder, name)
  writeFileSync(file('deploy.json'), JSON.stringify(config))
  writeFileSync(file('deployer.key'), `${deployer.privateKey}\n`, { mode: 0o600 })
  const files = ['--config', file('deploy.json'), '--key-file', file('deployer.key')]
  return ['deploy', ...files, '--rpc', chain.rpc, '--deployment', file('deployment.json')]
}
