/** This machine's clock beside the chain's, for as long as feeds run: while they are apart nothing is published. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Provider } from 'ethers'
import { ProverError } from '../../errors.ts'
import { isDevelopmentChain } from '../../proof/index.ts'
import { ask } from '../../registry/contractErrors.ts'
import { ChainClock } from '../chainClock.ts'
import { utcTime } from '../text/figures.ts'

/** Between a chain's newest block and now, at the start; its contracts take nothing that is ahead of it. */
const MOST_APART_SECONDS = 3600
const LOOK_MS = 10_000

export class ClockWatch {
  private readonly provider: Provider
  private readonly clock: ChainClock

  private constructor(provider: Provider, chainId: bigint) {
    this.provider = provider
    // A development chain mines when it is sent something: its newest block may be of a while ago.
    this.clock = isDevelopmentChain(chainId) ? new ChainClock(MOST_APART_SECONDS) : new ChainClock()
  }

  /** @throws {@link ChainTimeError} */
  static async start(provider: Provider, chainId: bigint): Promise<ClockWatch> {
    const watch = new ClockWatch(provider, chainId)
    const time = await watch.look()
    if (Math.abs(Date.now() / 1000 - time) > MOST_APART_SECONDS) throw new ChainTimeError(time)
    return watch
  }

  /** Looks at the chain until the signal. While that does not answer, what it said last and the time that has passed say the same. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined)
      if (!signal.aborted) await this.look().catch(passOverUnanswered)
    }
  }

  /** Why nothing is to be published at this moment; undefined if it may. */
  fault(): ClockApartError | undefined {
    const says = this.clock.fault()
    return says === undefined ? undefined : new ClockApartError(says)
  }

  /** @throws {@link ClockApartError} */
  require(): void {
    const fault = this.fault()
    if (fault !== undefined) throw fault
  }

  private async look(): Promise<number> {
    const block = await ask('Reading the latest block', () => this.provider.getBlock('latest'))
    if (block !== null) this.clock.look({ number: block.number, time: block.timestamp })
    return block?.timestamp ?? 0
  }
}

function passOverUnanswered(error: unknown): void {
  if (!(error instanceof ProverError)) throw error
}

/** What is dated or judged by a clock that is wrong would be wrong. */
export class ClockApartError extends ProverError {
  readonly code = 'service.feed-clock'

  constructor(says: string) {
    super(`Expected a clock that goes with the chain’s, but ${says}. Nothing is published until they agree.`)
  }
}

/** Prices of now cannot enter a chain that lives at another time. */
export class ChainTimeError extends ProverError {
  readonly code = 'service.feed-chain-time'
  readonly chainTime: number

  constructor(chainTime: number) {
    super(
      `Expected a chain whose newest block is of now, got ${utcTime(chainTime)} UTC: its sources take no price that is ahead of it. ` +
        'A development chain lives in the time of its recording: give it one with --recorded, or leave the chain out with --dry-run.',
    )
    this.chainTime = chainTime
  }
}
