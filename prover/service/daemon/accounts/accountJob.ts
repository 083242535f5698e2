/** A transaction about accounts as the store keeps it: its call, and what the chain has once it has landed. */
import type { Log } from 'ethers'
import { z } from 'zod'
import { ProverError } from '../../../errors.ts'
import { interfaceOf } from '../../../registry/artifacts.ts'
import { ask, ContractRevertError } from '../../../registry/contractErrors.ts'
import { addressSchema, bytesSchema, firstIssue, integerSchema } from '../../../registry/wordSchemas.ts'
import { encodeRegistryCall, type RegistryCall, type ReportWords } from '../../../registry/portfolio/calldata.ts'
import type { PortfolioClient } from '../../../registry/portfolio/client.ts'
import type { Cargo } from '../cargo.ts'
import type { Job } from '../jobStore.ts'

/** arrays: of a round. margins: of some accounts. witness: that one is below maintenance. count: of all accounts, opened. */
const accountJobKinds = ['arrays', 'margins', 'witness', 'count'] as const
export type AccountJobKind = (typeof accountJobKinds)[number]

const fields = z.strictObject({
  format: z.literal('zk-risk-engine/account-job'),
  version: z.literal(1),
  kind: z.enum(accountJobKinds),
  to: addressSchema,
  data: bytesSchema,
  /** Of the round. */
  asOf: integerSchema(32),
  policyVersion: integerSchema(64),
  /** Arrays that it brings, or that must be there before it lands. */
  arrayRoots: z.array(integerSchema()).max(4096),
  /** Whose margins or health it is about, with the report. */
  accounts: z.array(z.strictObject({ account: addressSchema, sequence: integerSchema(64) })).max(256),
  /** Whether margins come with thresholds, or are to be counted. */
  isFull: z.boolean(),
  /** Unix milliseconds since which the one who waits longest has waited, as far as this service knows. */
  since: z.int().min(0),
})

export type AccountJob = Omit<z.infer<typeof fields>, 'format' | 'version'>

/** Builds of jobs about accounts that nothing is proven for. */
const COUNT_BUILD = 'openInterest'
export const countBuild: string = COUNT_BUILD

export function formatAccountJob(job: AccountJob): string {
  const format = { format: 'zk-risk-engine/account-job', version: 1 }
  return JSON.stringify({ ...format, ...job }, (_, value) => (typeof value === 'bigint' ? value.toString() : value))
}

/** @throws {@link AccountJobError} */
export function accountJobOf({ id, bundle }: Pick<Job, 'id' | 'bundle'>): AccountJob {
  let json: unknown
  try {
    json = JSON.parse(bundle ?? '')
  } catch (error) {
    throw new AccountJobError(id, 'no JSON', error)
  }
  const parsed = fields.safeParse(json)
  if (!parsed.success) {
    const { path, reason } = firstIssue(parsed.error)
    throw new AccountJobError(id, `${path}: ${reason}`)
  }
  const { format: _, version: __, ...job } = parsed.data
  return job
}

/** The call of a job about accounts. */
export const callOf = async (client: PortfolioClient, call: RegistryCall) => ({
  to: await client.addressOf(call.contract),
  data: encodeRegistryCall(call),
})

type Reads = {
  readonly client: PortfolioClient
  readonly from: string
  /** What the venue last reported of an account. */
  readonly lastReport: (account: string) => { readonly sequence: bigint; readonly words: ReportWords } | undefined
}

export function accountCargo(reads: Reads, job: Job): Cargo {
  const own = accountJobOf(job)
  const { client, from } = reads
  const call = () => ({ to: own.to, data: own.kind === 'witness' ? presenting(reads, own) : own.data })
  return {
    ...call(),
    isApplied: () => isApplied(client, own),
    simulate: () => ask('Trying a transaction about accounts', () => client.provider.estimateGas({ ...call(), from })),
    skippedIn: (logs) => skippedIn(logs, client.registry),
  }
}

/** A witness about an earlier report is presented with the last one. */
function presenting({ lastReport }: Reads, { data, accounts: [shown] }: AccountJob): string {
  const last = shown && lastReport(shown.account)
  if (shown === undefined || last === undefined || last.sequence === shown.sequence) return data
  const contract = interfaceOf('PortfolioRegistry')
  const call = contract.parseTransaction({ data })
  if (call === null) return data
  const { holdings, collateralAmounts, positions } = last.words
  const args = call.args.map((given, i) =>
    call.fragment.inputs[i]?.name === 'present' ? [holdings, ...collateralAmounts, ...positions] : given,
  )
  return contract.encodeFunctionData(call.fragment, args)
}

async function isApplied(client: PortfolioClient, job: AccountJob): Promise<boolean> {
  const { kind, accounts, arrayRoots, asOf, isFull } = job
  if (kind === 'arrays') return every(arrayRoots, (root) => client.isArrayAccepted(root, asOf))
  if (kind === 'count') return (await client.lastCounted()) >= asOf
  if (kind === 'witness') {
    return every(accounts, async ({ account }) => (await healthOf(client, account))?.liquidatable === true)
  }
  return every(accounts, async ({ account, sequence }) => {
    const held = await unsafe(client.unsafeMargin(account))
    const isHeld = held !== undefined && (held.asOf > asOf || (held.asOf === asOf && held.sequence >= sequence))
    if (!isHeld || !isFull) return isHeld
    return (await unsafe(client.unsafeThresholds(account))) !== undefined && !(await isToCount(client, job, account))
  })
}

/** Whether a count under way of this round waits for what the job says of an account. */
async function isToCount(client: PortfolioClient, { asOf, accounts }: AccountJob, account: string): Promise<boolean> {
  if ((await client.countUnderWay())?.asOf !== asOf) return false
  const sequence = accounts.find((each) => each.account === account)?.sequence
  return (await client.reportToCount(account)) === sequence
}

const healthOf = (client: PortfolioClient, account: string) => unsafe(client.marginForLiquidation(account))

/** Undefined where nothing was proven yet. */
async function unsafe<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof ContractRevertError) return undefined
    throw error
  }
}

async function every<T>(items: readonly T[], holds: (item: T) => Promise<boolean>): Promise<boolean> {
  for (const item of items) if (!(await holds(item))) return false
  return true
}

function skippedIn(logs: readonly Log[], registry: string): readonly string[] {
  const contract = interfaceOf('PortfolioRegistry')
  return logs.flatMap((log) => {
    const parsed = log.address === registry ? contract.parseLog(log) : null
    return parsed?.name === 'MarginSkipped' ? [parsed.args.account as string] : []
  })
}

/** The store has a job about accounts that is none. */
export class AccountJobError extends ProverError {
  readonly code = 'service.account-job'
  readonly job: string

  constructor(job: string, reason: string, cause?: unknown) {
    super(`Expected job ${job} to be about accounts, but it is not (${reason}). Name another store with --store.`, {
      cause,
    })
    this.job = job
  }
}
