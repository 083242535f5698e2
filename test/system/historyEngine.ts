/** An engine on a chain in this process, its markets at the start of the demonstration, with the two observations after it. */
import { readExtract } from '../../prover/market/histories.ts'
import type { PriceRow } from '../../prover/market/prices.ts'
import type { CircuitKeys } from '../../prover/proof/index.ts'
import { RegistryClient } from '../../prover/registry/index.ts'
import { type DevelopmentChain, startDevelopmentChain } from '../../prover/service/development/chain.ts'
import { DEMO_START } from '../../prover/service/development/demo.ts'
import {
  appendObservations,
  type DevelopmentEngine,
  deployDevelopmentEngine,
} from '../../prover/service/development/engine.ts'
import { SqliteJobStore } from '../../prover/service/daemon/stores/sqliteJobStore.ts'
import { LIVE_BUILD, loadKeys } from '../../prover/service/workspace.ts'

const rows = readExtract('BTC-USD').rows
const isBefore = ({ asOf }: PriceRow): boolean => asOf <= DEMO_START
export const warmUp = rows.filter(isBefore)
export const [first, second] = rows.filter((row) => !isBefore(row)) as [PriceRow, PriceRow]

export type HistoryEngine = DevelopmentEngine & {
  readonly chain: DevelopmentChain
  readonly keys: CircuitKeys
  append(name: string, observation: PriceRow): Promise<unknown>
  /** Of the prover's account. */
  client(): Promise<RegistryClient>
  store(file: string): Promise<SqliteJobStore>
}

export async function startHistoryEngine(names: readonly string[]): Promise<HistoryEngine> {
  const chain = await startDevelopmentChain(DEMO_START)
  const keys = await loadKeys(LIVE_BUILD)
  const engine = await deployDevelopmentEngine(
    chain,
    [keys],
    names.map((name) => ({ name, rows: warmUp })),
  )
  const { registry } = engine.deployment.addresses
  return {
    ...engine,
    keys,
    append: (name, observation) => appendObservations(chain, engine.deployment, [{ name, observation }]),
    client: () => RegistryClient.connect({ registry, provider: chain.provider, signer: chain.account('prover') }),
    store: (file) => SqliteJobStore.open(file, { chainId: chain.chainId, registry }),
  }
}
