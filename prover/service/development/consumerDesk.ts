/** The example consumer in the demo: a perpetual desk that lets a trader take as much risk as the proven margin allows. */
import { Contract, formatEther, parseEther, type Wallet } from 'ethers'
import { marketIdOf } from '../../market/marketId.ts'
import { attestedFeedOf, ContractRevertError, interfaceOf } from '../../registry/index.ts'
import { typedCallError } from '../../registry/contractErrors.ts'
import type { DevelopmentEngine } from './engine.ts'
import { compiledAt, consumer, create } from './contracts.ts'

/** What the desk let a trader do. */
export type DeskVisit = {
  readonly market: string
  readonly desk: string
  readonly cash: string
  readonly initialMarginX24: bigint
  /** Position that was opened, in units of the base. */
  readonly opened: string
  /** Position that was refused, and with which error. */
  readonly refused: string
  readonly refusedWith: string
}

const CASH = parseEther('1000')
const HOUSE_CASH = parseEther('5000')
const MAX_MARK_AGE_SECONDS = 3_900n
const REWARD_BPS = 50n

/**
 * Opens a desk on a market, and as a trader with 1,000 of cash a position just within the proven initial margin; one just
 * beyond it must be refused. Wrapped development ether stands for the cash.
 */
export async function visitDesk({ chain, deployment }: DevelopmentEngine, market: string): Promise<DeskVisit> {
  const registryAddress = deployment.addresses.registry
  const { address: feed } = attestedFeedOf(deployment)
  const [trader, house] = [chain.account('council'), chain.account('feeder')]
  const cash = await create(trader, compiledAt('solady/src/tokens/WETH.sol', 'WETH'))
  const terms = [registryAddress, feed, marketIdOf(market), cash, house, MAX_MARK_AGE_SECONDS, REWARD_BPS]
  const desk = await create(trader, consumer('PerpetualDesk'), ...terms)
  await fund(cash, desk, house, HOUSE_CASH)
  await fund(cash, desk, trader, CASH)

  const registry = new Contract(registryAddress, interfaceOf('RiskRegistry'), trader)
  const { initialMarginX24 } = await registry.getFunction('parameters')(marketIdOf(market))
  const { lastWord } = await new Contract(feed, interfaceOf('IObservationSource'), trader).getFunction('latest')(
    marketIdOf(market),
  )
  const priceE8 = lastWord & ((1n << 48n) - 1n)
  const most = (CASH * 10n ** 8n * (1n << 24n)) / (priceE8 * initialMarginX24)
  const [within, beyond] = [(most * 999n) / 1000n, (most * 1001n) / 1000n]

  const refusedWith = await refusalOf(desk, () => desk.getFunction('trade').staticCall(beyond))
  await (await desk.getFunction('trade')(within)).wait()
  return {
    market,
    desk: await desk.getAddress(),
    cash: formatEther(CASH),
    initialMarginX24,
    opened: formatEther(within),
    refused: formatEther(beyond),
    refusedWith,
  }
}

export function describeVisit({ market, cash, opened, refused, refusedWith, initialMarginX24 }: DeskVisit): string {
  const margin = (100 * Number(initialMarginX24)) / 2 ** 24
  const size = (text: string): string => Number(text).toFixed(4)
  return `  a desk on ${market}: ${Number(cash).toLocaleString('en')} of cash opened ${size(opened)} at the proven ${margin.toFixed(2)} %; ${size(refused)} was refused (${refusedWith})`
}

/** Name of the custom error that a call is refused with. */
async function refusalOf(desk: Contract, call: () => Promise<unknown>): Promise<string> {
  try {
    await call()
  } catch (error) {
    const { data } = error as { data?: string }
    const name = data === undefined ? undefined : desk.interface.parseError(data)?.name
    if (name !== undefined) return name
    throw typedCallError(error, 'Trading beyond the margin')
  }
  throw new ContractRevertError('Trading beyond the margin', 'nothing: the desk let it through', {}, undefined)
}

async function fund(cash: Contract, desk: Contract, account: Wallet, amount: bigint): Promise<void> {
  const own = cash.connect(account) as Contract
  await (await own.getFunction('deposit')({ value: amount })).wait()
  await (await own.getFunction('approve')(desk, amount)).wait()
  await (await (desk.connect(account) as Contract).getFunction('deposit')(amount)).wait()
}
