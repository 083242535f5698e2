/** Receipts of liquidations, from a chain or from a file, with the keys on this machine's disk. */
import { getAddress, isAddress } from 'ethers'
import { pinsOfKeys } from '../../audit/index.ts'
import type { Pin } from '../../audit/report.ts'
import { collectReceipt } from '../../audit/portfolio/receipt/collect.ts'
import { judgeReceipt, type ReceiptPins, type ReceiptReport } from '../../audit/portfolio/receipt/judge.ts'
import { readReceiptFile, type ReceiptRecord, writeReceiptFile } from '../../audit/portfolio/receipt/record.ts'
import { connectProvider, readDeployment } from '../../registry/index.ts'
import { verificationKeyHash } from '../../proof/index.ts'
import { UsageError } from '../text/usageError.ts'
import { keysFrom, pinnedDeployment, portfolioAuditKeys } from './auditing.ts'
import { AccountAddressError } from './inForce.ts'

export type ReceiptOptions = {
  readonly rpc?: string | undefined
  readonly venue?: string | undefined
  readonly transaction?: string | undefined
  readonly account?: string | undefined
  readonly file?: string | undefined
  readonly save?: string | undefined
  readonly deployment?: string | undefined
  readonly keys?: string | undefined
  readonly fromBlock?: number | undefined
}

/**
 * Explains a liquidation and judges what it rests on.
 *
 * @throws {@link ReceiptTargetError} if it is not said which one
 */
export async function receiptOf(
  options: ReceiptOptions,
): Promise<{ readonly report: ReceiptReport; readonly pins: readonly Pin[] }> {
  const { venue, deployment: file, keys: folder, save } = options
  const deployment = file === undefined ? undefined : await readDeployment(file)
  const keys = await portfolioAuditKeys(folder)
  const record = await recordOf(options, keys, deployment?.block, deployment?.chainId)
  if (save !== undefined) await writeReceiptFile(save, record)
  const { context } = record.portfolio
  const known: ReceiptPins = {
    ...pinsOfKeys(keys),
    ...(venue === undefined ? {} : { venue: addressOf(venue), registry: context.registry }),
    // A node says which chain it is of; a file is anybody's.
    ...(deployment === undefined ? (options.file === undefined ? { chainId: context.chainId } : {}) : {}),
    ...(deployment === undefined
      ? {}
      : { chainId: deployment.chainId, deployment: pinnedDeployment(deployment, context.registry) }),
  }
  const report = await judgeReceipt(record, known)
  const otherwise = options.file === undefined ? 'what the node says' : 'nobody: the file says so'
  const used = keys.filter(({ build }) => report.subjects.some(({ of }) => of === `model ${build}`))
  return {
    report,
    pins: [
      { what: 'chain', value: context.chainId.toString(), by: file ?? otherwise },
      { what: 'contracts', value: `venue ${report.venue}`, by: venue === undefined ? otherwise : '--venue' },
      ...used.map(({ build, verificationKey, manifest }) => ({
        what: 'keys' as const,
        value: `${build} sha256 ${verificationKeyHash(verificationKey).slice(0, 16)}…`,
        by: keysFrom(folder, manifest?.kind),
      })),
    ],
  }
}

async function recordOf(
  { rpc, venue, transaction, account, file, fromBlock }: ReceiptOptions,
  keys: Awaited<ReturnType<typeof portfolioAuditKeys>>,
  firstBlock: number | undefined,
  expectedChainId: bigint | undefined,
): Promise<ReceiptRecord> {
  if (file !== undefined) return readReceiptFile(file)
  if (rpc === undefined || venue === undefined || (transaction === undefined && account === undefined)) {
    throw new ReceiptTargetError()
  }
  if (transaction !== undefined && !/^0x[0-9a-f]{64}$/i.test(transaction)) throw new TransactionHashError(transaction)
  const provider = await connectProvider(rpc, expectedChainId)
  const { chainId } = await provider.getNetwork()
  return collectReceipt({
    ...{ provider, chainId, venue: addressOf(venue), keys },
    transactionHash: transaction?.toLowerCase(),
    owner: account === undefined ? undefined : addressOf(account),
    fromBlock: fromBlock ?? firstBlock ?? 0,
  })
}

function addressOf(text: string): string {
  if (!isAddress(text)) throw new AccountAddressError(text)
  return getAddress(text)
}

/** It was not said which liquidation. */
export class ReceiptTargetError extends UsageError {
  readonly code = 'service.receipt-target'

  constructor() {
    super('Say which liquidation: --rpc and --venue with --tx or --account, or --file for one that was saved.')
  }
}

/** What was given as a transaction is none. */
export class TransactionHashError extends UsageError {
  readonly code = 'service.transaction-hash'
  readonly value: string

  constructor(value: string) {
    super(
      `Expected a transaction hash, 0x and 64 hexadecimal digits, after --tx, got ${JSON.stringify(value.slice(0, 80))}.`,
    )
    this.value = value
  }
}
