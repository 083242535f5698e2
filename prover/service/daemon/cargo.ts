/** What a job brings to the chain, as the sender sees it: a call, and what the chain says of it. */
import type { Log } from 'ethers'
import { parseBundle } from '../../registry/market/bundle.ts'
import { type RegistryClient, skippedIn } from '../../registry/market/client.ts'
import type { Job } from './jobStore.ts'

export type Cargo = {
  readonly to: string
  readonly data: string
  /** Whether the chain stands where it would be brought, by whomever. */
  isApplied(): Promise<boolean>
  /** Gas that it would take. @throws {@link ContractRevertError} if it would be refused */
  simulate(): Promise<bigint>
  /** What a transaction left out that landed, by name. */
  skippedIn(logs: readonly Log[]): readonly string[]
}

/** A batch of markets. */
export function marketCargo(client: RegistryClient, { id, bundle: text }: Job): Cargo {
  const bundle = parseBundle(Buffer.from(text ?? ''), `job ${id}`)
  const { to, data } = client.transactionOf(bundle)
  return {
    ...{ to, data },
    isApplied: () => client.isApplied(bundle),
    simulate: () => client.simulate(bundle),
    skippedIn: (logs) => skippedIn(logs, client.registry),
  }
}
