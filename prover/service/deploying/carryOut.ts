/** Carries a plan out, or goes on with it: each step's transaction is in the journal before it is sent, and once on the chain. */
import {
  getCreateAddress,
  isError,
  keccak256,
  type Provider,
  Transaction,
  type TransactionReceipt,
  type Wallet,
} from 'ethers'
import { setTimeout as sleep } from 'node:timers/promises'
import { ProverError } from '../../errors.ts'
import { checkChainId } from '../../registry/chain.ts'
import { tooLarge } from '../../registry/codeSize.ts'
import { ask, RpcError } from '../../registry/contractErrors.ts'
import { GAS_MARGIN_PERCENT } from '../../registry/market/client.ts'
import { attempt } from '../../registry/transactions.ts'
import { DeployJournal, type JournalEntry, JournalError, type JournalHeader } from './journal.ts'
import { type DeployPlan, ObservationMissingError, type Step, type StepContext } from './plan.ts'

/** Something that was just written to the journal, or sent. */
export type DeployEvent = {
  readonly state: 'signed' | 'sent' | 'mined'
  readonly step: Step
  readonly index: number
  readonly gasUsed?: bigint
}

export type CarryOutOptions = {
  readonly plan: DeployPlan
  readonly account: Wallet
  readonly journal: string
  /** Blocks on top of a transaction's, itself counted, until the next step builds on it. */
  readonly confirmations: number
  /** How long to wait for a first observation before giving up; the next run goes on. */
  readonly waitSeconds: number
  readonly onEvent: (event: DeployEvent) => Promise<void> | void
  /** Called from when everything but markets stands, after each step and at the end. */
  readonly onPlace: (standing: Standing) => Promise<void>
}

/** What stands so far. */
export type Standing = {
  readonly addresses: ReadonlyMap<string, string>
  /** Block of each step. */
  readonly blocks: ReadonlyMap<string, number>
  readonly gasUsed: bigint
  /** Steps that this run carried out; the others stood before. */
  readonly carriedOut: number
}

const POLL_MS = 200
/** A transaction that is not mined after this time is sent again with a higher fee. */
const BUMP_AFTER_MS = 60_000

/** So long nodes of one address may disagree before a nonce counts as another transaction's. */
const LAG_MS = 10_000
/** Nodes take a replacement that offers a tenth more. */
const BUMP_PERCENT = 115n
/** A market's first state is out of date as soon as another observation comes in. */
const MARKET_ATTEMPTS = 5

/** Which chain and account a journal is of. */
export async function headerOf(provider: Provider, chainId: bigint, deployer: string): Promise<JournalHeader> {
  const genesis = await ask('Reading block 0', () => provider.getBlock(0))
  return { chainId: chainId.toString(), genesis: genesis?.hash ?? '', deployer }
}

/**
 * Carries out whatever of a plan does not stand yet.
 *
 * @throws {@link PlanChangedError} if a step that stands was of another plan; {@link JournalError}
 * @throws {@link StepRevertedError}, {@link ContractRevertError} if the chain refuses a step; the next run tries it again
 * @throws {@link ObservationMissingError} if a market's source has none
 */
export async function carryOut(options: CarryOutOptions): Promise<Standing> {
  const { plan, account } = options
  const provider = account.provider as Provider
  const { chainId } = await ask('Reading the chain id', () => provider.getNetwork())
  checkChainId(plan.config.chainId, chainId)
  const journal = DeployJournal.open(options.journal, await headerOf(provider, chainId, account.address))
  try {
    checkPlan(plan, journal)
    return await new Deployer(options, provider, journal).run()
  } finally {
    journal.close()
  }
}

/** How many steps of a plan a journal has as done; the chain is not asked. @throws {@link PlanChangedError} */
export function stepsDone({ steps }: DeployPlan, entries: readonly JournalEntry[]): number {
  return steps.filter(({ id }) => entries.findLast(({ step }) => step === id)?.state === 'mined').length
}

/** What stands cannot be planned otherwise. */
function checkPlan({ steps }: DeployPlan, journal: DeployJournal): void {
  for (const { id, digest, says } of steps) {
    const last = journal.of(id).at(-1)
    if (last !== undefined && last.state !== 'reverted' && last.digest !== digest)
      throw new PlanChangedError(journal.file, says)
  }
  const left = journal.steps().find((id) => !steps.some((step) => step.id === id))
  if (left !== undefined) throw new PlanChangedError(journal.file, left)
}

class Deployer {
  private readonly options: CarryOutOptions
  private readonly provider: Provider
  private readonly journal: DeployJournal
  private readonly addresses = new Map<string, string>()
  private readonly blocks = new Map<string, number>()
  private gasUsed = 0n
  private carriedOut = 0

  constructor(options: CarryOutOptions, provider: Provider, journal: DeployJournal) {
    this.options = options
    this.provider = provider
    this.journal = journal
  }

  async run(): Promise<Standing> {
    const { plan, onPlace } = this.options
    const place = plan.steps.findIndex(({ id }) => id === plan.lastOfPlace)
    let stands = -1
    try {
      for (const [index, step] of plan.steps.entries()) {
        const before = this.carriedOut
        await this.settle(step, index)
        stands = index
        if (index >= place && this.carriedOut > before) await onPlace(this.standing())
      }
    } finally {
      // What a run that died had no time to write.
      if (stands >= place) await onPlace(this.standing())
    }
    return this.standing()
  }

  private standing(): Standing {
    const { addresses, blocks, gasUsed, carriedOut } = this
    return { addresses: new Map(addresses), blocks: new Map(blocks), gasUsed, carriedOut }
  }

  /** Until the step stands. */
  private async settle(step: Step, index: number): Promise<void> {
    for (let attempts = 1; ; attempts++) {
      const receipt = (await this.followUp(step, index)) ?? (await this.begin(step, index))
      if (receipt.status === 1) return this.take(step, index, receipt)
      this.note(step, receipt, 'reverted')
      const mayBeLate = step.id.startsWith('market ') && attempts < MARKET_ATTEMPTS
      if (!mayBeLate) throw new StepRevertedError(step.says, receipt.hash)
    }
  }

  /** Of a transaction that was signed before, the receipt: it is sent again unless the chain has it. */
  private async followUp(step: Step, index: number): Promise<TransactionReceipt | undefined> {
    const entries = this.journal.of(step.id)
    const last = entries.at(-1)
    if (last === undefined || last.state === 'reverted') return undefined
    const signed = entries.filter(({ nonce, state }) => nonce === last.nonce && state === 'signed')
    const { hash } = last
    if (!signed.some((each) => each.hash === hash)) throw this.notOfStep(step, hash)
    for (const each of signed) await this.requireOfStep(step, each)
    return this.wait(step, index, signed)
  }

  /** A step stands only by its own transaction: a journal that names another one is no word for what became of the step. */
  private async requireOfStep(step: Step, { hash, raw, nonce }: JournalEntry): Promise<void> {
    const { account, plan } = this.options
    const stated = transactionOf(raw)
    const isOwn =
      stated?.hash === hash &&
      stated.from === account.address &&
      stated.nonce === nonce &&
      stated.chainId === plan.config.chainId
    if (!isOwn || this.journal.stepsOf(hash).length > 1) throw this.notOfStep(step, hash)
    if (!step.isFixed) return
    const { to, data } = await step.transaction(this.context())
    if (stated.data !== data || stated.to !== (to ?? null)) throw this.notOfStep(step, hash)
  }

  private notOfStep({ says }: Step, hash: string): JournalError {
    return new JournalError(this.journal.file, `its transaction ${hash} is not that of the step: ${says}`)
  }

  private async begin(step: Step, index: number): Promise<TransactionReceipt> {
    for (;;) {
      const transaction = await this.prepared(step)
      const signed = await this.sign(step, transaction)
      await this.options.onEvent({ state: 'signed', step, index })
      const receipt = await this.wait(step, index, [signed])
      if (receipt !== undefined) return receipt
    }
  }

  private async prepared(step: Step) {
    const { account, waitSeconds } = this.options
    const until = Date.now() + 1000 * waitSeconds
    for (;;) {
      try {
        const transaction = await step.transaction(this.context())
        const gas = await attempt(step.says, () => this.provider.estimateGas({ ...transaction, from: account.address }))
        return { ...transaction, gasLimit: (gas * GAS_MARGIN_PERCENT) / 100n }
      } catch (error) {
        if (!(error instanceof ObservationMissingError) || Date.now() >= until)
          throw (step.code && tooLarge(step.says, step.code, error)) ?? error
        await sleep(POLL_MS)
      }
    }
  }

  private context(): StepContext {
    return {
      provider: this.provider,
      addressOf: (id) => {
        const address = this.addresses.get(id)
        if (address === undefined) throw new Error(`The step ${id} has created nothing yet.`)
        return address
      },
    }
  }

  private async sign(step: Step, transaction: { to?: string; data: string; gasLimit: bigint }): Promise<JournalEntry> {
    const { account, plan } = this.options
    const nonce = await ask('Reading the nonce', () => this.provider.getTransactionCount(account.address, 'latest'))
    const fees = await feesOf(this.provider)
    const { chainId } = plan.config
    const raw = await account.signTransaction({ type: 2, chainId, nonce, ...transaction, ...fees })
    return this.keep(step, nonce, raw)
  }

  private keep(step: Step, nonce: number, raw: string): JournalEntry {
    const { id, digest } = step
    const line: JournalEntry = { step: id, digest, state: 'signed', nonce, hash: keccak256(raw), raw }
    this.journal.record(line)
    return line
  }

  /** Undefined if the nonce went to a transaction that is none of these: they can never be mined. */
  private async wait(
    step: Step,
    index: number,
    signed: readonly JournalEntry[],
  ): Promise<TransactionReceipt | undefined> {
    const { confirmations, onEvent, account } = this.options
    let versions = signed
    let sentAt = 0
    let usedSince: number | undefined
    for (;;) {
      const newest = versions.at(-1) as JournalEntry
      const used = await ask('Reading the nonce', () => this.provider.getTransactionCount(account.address, 'latest'))
      const receipt = await this.receiptOf(versions)
      if (receipt !== undefined) {
        const head = await ask('Reading the block number', () => this.provider.getBlockNumber())
        if (head - receipt.blockNumber + 1 >= confirmations) return receipt
      } else if (used > newest.nonce) {
        // Behind a balancer the node that knows of the nonce may not be the one that is asked for the receipt.
        usedSince ??= Date.now()
        if (Date.now() - usedSince > LAG_MS) return undefined
      } else if ((await ask('Reading a transaction', () => this.provider.getTransaction(newest.hash))) === null) {
        // A chain that mines at once has it by now; one that does not take it yet, or whose node lags, is not to be pestered.
        const isFirst = sentAt === 0
        if (isFirst || Date.now() - sentAt > LAG_MS) {
          await broadcast(this.provider, newest.raw)
          await onEvent({ state: 'sent', step, index })
          sentAt = Date.now()
        }
        if (isFirst) continue
      } else if (sentAt === 0) {
        sentAt = Date.now()
      } else if (Date.now() - sentAt > BUMP_AFTER_MS) {
        versions = [...versions, await this.bump(step, newest)]
        sentAt = Date.now()
      }
      await sleep(POLL_MS)
    }
  }

  private async receiptOf(signed: readonly JournalEntry[]): Promise<TransactionReceipt | undefined> {
    for (const { hash } of signed) {
      const receipt = await ask('Reading a receipt', () => this.provider.getTransactionReceipt(hash))
      if (receipt !== null) return receipt
    }
    return undefined
  }

  private async bump(step: Step, { raw, nonce }: JournalEntry): Promise<JournalEntry> {
    const { to, data, chainId, gasLimit, maxFeePerGas, maxPriorityFeePerGas } = Transaction.from(raw)
    const fees = await feesOf(this.provider)
    const higher = (old: bigint | null, market: bigint): bigint => {
      const least = ((old ?? 0n) * BUMP_PERCENT) / 100n + 1n
      return least > market ? least : market
    }
    const again = await this.options.account.signTransaction({
      ...{ type: 2, to, data, chainId, nonce, gasLimit },
      maxFeePerGas: higher(maxFeePerGas, fees.maxFeePerGas),
      maxPriorityFeePerGas: higher(maxPriorityFeePerGas, fees.maxPriorityFeePerGas),
    })
    return this.keep(step, nonce, again)
  }

  private async take(step: Step, index: number, receipt: TransactionReceipt): Promise<void> {
    const { account, onEvent } = this.options
    const entries = this.journal.of(step.id)
    const { nonce } = entries.findLast(({ hash }) => hash === receipt.hash) as JournalEntry
    if (step.creates) this.addresses.set(step.id, getCreateAddress({ from: account.address, nonce }))
    this.blocks.set(step.id, receipt.blockNumber)
    this.gasUsed += receipt.gasUsed
    const { hash, blockNumber } = receipt
    const isNoted = entries.some((line) => line.state === 'mined' && line.hash === hash && line.block === blockNumber)
    if (isNoted) return
    this.note(step, receipt, 'mined')
    this.carriedOut++
    await onEvent({ state: 'mined', step, index, gasUsed: receipt.gasUsed })
  }

  private note(step: Step, { hash, blockNumber, gasUsed }: TransactionReceipt, state: 'mined' | 'reverted'): void {
    const signed = this.journal.of(step.id).findLast((line) => line.hash === hash && line.state === 'signed')
    if (signed === undefined) throw new Error(`The journal has no transaction ${hash}.`)
    this.journal.record({ ...signed, state, block: blockNumber, gasUsed: gasUsed.toString() })
  }
}

/** What was signed; undefined of what is no transaction. */
function transactionOf(raw: string): Transaction | undefined {
  try {
    return Transaction.from(raw)
  } catch {
    return undefined
  }
}

async function broadcast(provider: Provider, raw: string): Promise<void> {
  try {
    await provider.broadcastTransaction(raw)
  } catch (error) {
    // The next look at nonce and receipt tells what these mean.
    const isKnown = /already known|known transaction|already imported|already exists/i.test(String(error))
    const isSettled = isError(error, 'NONCE_EXPIRED') || isError(error, 'REPLACEMENT_UNDERPRICED')
    // A node that mines at once answers a refused transaction with the refusal; its receipt says the same.
    if (isKnown || isSettled || isError(error, 'CALL_EXCEPTION') || /reverted/i.test(String(error))) return
    await attempt('Sending a transaction', () => Promise.reject(error))
  }
}

/** @throws {@link RpcError} */
export async function feesOf(
  provider: Provider,
): Promise<{ readonly maxFeePerGas: bigint; readonly maxPriorityFeePerGas: bigint }> {
  const fees = await ask('Reading fees', () => provider.getFeeData())
  const maxPriorityFeePerGas = fees.maxPriorityFeePerGas ?? 1_000_000_000n
  const maxFeePerGas = fees.maxFeePerGas ?? (fees.gasPrice ?? 0n) * 2n + maxPriorityFeePerGas
  if (maxFeePerGas === 0n) throw new RpcError('Reading fees', new Error('the node names none'))
  return { maxPriorityFeePerGas, maxFeePerGas }
}

/** Part of the plan stands already, and the plan has been changed there. */
export class PlanChangedError extends ProverError {
  readonly code = 'service.plan-changed'
  readonly journal: string
  readonly step: string

  constructor(journal: string, step: string) {
    super(
      `By the journal ${journal} this step was taken already, for another plan: ${step}. ` +
        'Use the file and the keys of that plan; or name another --journal to deploy everything afresh.',
    )
    this.journal = journal
    this.step = step
  }
}

/** A transaction was mined and had no effect. */
export class StepRevertedError extends ProverError {
  readonly code = 'service.step-reverted'
  readonly step: string
  readonly transactionHash: string

  constructor(step: string, transactionHash: string) {
    super(
      `The chain refused a step: ${step} (transaction ${transactionHash}). Look at it there, then run the same command again.`,
    )
    this.step = step
    this.transactionHash = transactionHash
  }
}
