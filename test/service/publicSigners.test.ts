import { Wallet } from 'ethers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { defaultPlausibility } from '../../prover/market/plausibility.ts'
import { artifactOf } from '../../prover/registry/artifacts.ts'
import { deployContract } from '../../prover/registry/transactions.ts'
import { publicSignersOf } from '../../prover/service/deploying/config.ts'
import {
  type DevelopmentChain,
  FEED_SIGNER_KEYS,
  startDevelopmentChain,
} from '../../prover/service/development/chain.ts'

let chain: DevelopmentChain
beforeAll(async () => {
  chain = await startDevelopmentChain(1_700_000_000n)
})
afterAll(() => chain?.close())

const feedOf = (signers: readonly string[]): Promise<string> =>
  deployContract(chain.account('council'), 'AttestedFeed', artifactOf('AttestedFeed'), [
    chain.account('council').address,
    signers.toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1)),
    1,
    100,
    defaultPlausibility,
  ])

it('signers whose keys anybody can read are found in a source that stands, whatever its plan calls it', async () => {
  const [own, known] = [`0x${'51'.repeat(32)}`, FEED_SIGNER_KEYS[1] as string].map((key) => new Wallet(key).address)
  const { provider } = chain
  expect(await publicSignersOf(provider, await feedOf([own as string, known as string]))).toEqual([known])
  const funded = chain.account('feeder').address
  expect(await publicSignersOf(provider, await feedOf([own as string, funded]))).toEqual([funded])
  expect(await publicSignersOf(provider, await feedOf([own as string]))).toEqual([])
})

it('a source without signers has none', async () => {
  const council = chain.account('council')
  const contract = await deployContract(council, 'RiskCouncil', artifactOf('RiskCouncil'), [council.address])
  expect(await publicSignersOf(chain.provider, contract)).toEqual([])
})
