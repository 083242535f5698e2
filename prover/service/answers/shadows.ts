/** `zkrisk shadows`: what a market's shadows have scored, and the council's calls about them. */
import { isMarketName, volatilityModelName } from '../../market/marketId.ts'
import { meanScores } from '../../parameters/shadowScore.ts'
import { type RpcAddress, connectProvider, readDeployment, RegistryClient } from '../../registry/index.ts'
import {
  addShadowCalls,
  calldataOf,
  makeCall,
  promoteCall,
  promotionPolicyCall,
  removeShadowCall,
  type ShadowCall,
  type ShadowOf,
} from '../../registry/market/shadows.ts'
import { openAccount } from '../daemon/account.ts'
import type { PlaceChoice } from '../../registry/market/place.ts'

export type RegistryPlace = { readonly rpc: RpcAddress; readonly deployment: string }

/** A shadow as people compare it. */
export type ShadowRow = {
  readonly market: string
  readonly model: string
  /** Whether its market is bound to the same model: what the others are compared with. */
  readonly isControl: boolean
  readonly predictions: number
  /** Mean quantile scores, m + max(−r − m, 0)/α; none before the first prediction. */
  readonly scoreDown: number | null
  readonly scoreUp: number | null
  /** Observations that it has not consumed yet. */
  readonly waiting: number
  readonly initialMargin: number | null
  readonly maintenanceMargin: number | null
}

export type ShadowList = {
  readonly leastPredictions: number
  readonly maxMarginStep: number
  readonly markets: readonly { readonly market: string; readonly model: string }[]
  readonly shadows: readonly ShadowRow[]
  /** Names of markets and shadows that nothing here takes: they are not read. */
  readonly untaken: readonly string[]
}

const X24 = 2 ** 24

/** Every shadow of a registry, with what its market is bound to. */
export async function listShadows(place: RegistryPlace): Promise<ShadowList> {
  return withClient(place, async (client) => {
    const [{ learning }, policy, markets, shadows] = await Promise.all([
      client.policies(),
      client.promotionPolicy(),
      client.markets(),
      client.shadows(),
    ])
    const bound = new Map<string, number>()
    const isTaken = ({ name }: { readonly name: string }): boolean => isMarketName(name)
    for (const { name } of markets.filter(isTaken)) bound.set(name, (await client.market(name)).volatilityModel)
    const rows: ShadowRow[] = []
    for (const { name, market, volatilityModel } of shadows.filter(isTaken)) {
      const [current, score, waiting] = await Promise.all([
        client.market(name),
        client.score(name),
        client.waiting(name),
      ])
      const means = score.predictions === 0n ? undefined : meanScores(score, learning)
      const margin = (valueX24: bigint | undefined) => (valueX24 === undefined ? null : Number(valueX24) / X24)
      rows.push({
        market,
        model: volatilityModelName(volatilityModel),
        isControl: bound.get(market) === volatilityModel,
        predictions: Number(score.predictions),
        scoreDown: means?.down ?? null,
        scoreUp: means?.up ?? null,
        waiting: waiting.length,
        initialMargin: margin(current.parameters?.initialMarginX24),
        maintenanceMargin: margin(current.parameters?.maintenanceMarginX24),
      })
    }
    return {
      leastPredictions: Number(policy.leastPredictions),
      maxMarginStep: Number(policy.maxMarginStepX24) / X24,
      markets: [...bound].map(([market, model]) => ({ market, model: volatilityModelName(model) })),
      shadows: rows,
      untaken: await client.untakenNames(),
    }
  })
}

/** What the council is to do about shadows. */
export type CouncilWork =
  | ({ readonly do: 'add' | 'remove' | 'promote' } & ShadowOf)
  | { readonly do: 'policy'; readonly leastPredictions: number; readonly maxMarginStep: number }

/** A call that was made, or that is to be scheduled. */
export type CouncilCall = { readonly target: string; readonly method: string; readonly calldata: string }

/**
 * Does what the council may do at once; or only says the calls, for a council with delays to schedule and execute.
 *
 * @throws {@link ContractRevertError} naming why not
 */
export async function workOfCouncil(
  place: RegistryPlace,
  work: CouncilWork,
  how: { readonly keyFile?: string | undefined; readonly calldataOnly: boolean },
): Promise<readonly CouncilCall[]> {
  return withClient(place, async (client) => {
    const calls = await callsOf(client, work, how.calldataOnly ? 'lasting' : 'latest')
    const signer = how.calldataOnly ? undefined : openAccount(client.provider, how.keyFile)
    for (const call of calls) if (signer !== undefined) await makeCall(signer, client, call)
    return calls.map((call) => ({ target: client.registry, method: call.method, calldata: calldataOf(call) }))
  })
}

async function callsOf(client: RegistryClient, work: CouncilWork, place: PlaceChoice): Promise<readonly ShadowCall[]> {
  if (work.do === 'policy') {
    const maxMarginStepX24 = BigInt(Math.floor(work.maxMarginStep * X24))
    return [promotionPolicyCall({ leastPredictions: BigInt(work.leastPredictions), maxMarginStepX24 })]
  }
  if (work.do === 'add') return (await addShadowCalls(client, work, { place })).calls
  return [work.do === 'remove' ? removeShadowCall(work) : promoteCall(work)]
}

async function withClient<Result>(
  { rpc, deployment: file }: RegistryPlace,
  work: (client: RegistryClient) => Promise<Result>,
): Promise<Result> {
  const deployment = await readDeployment(file)
  const provider = await connectProvider(rpc, deployment.chainId)
  try {
    const { registry } = deployment.addresses
    const expected = { registry, provider, expectedChainId: deployment.chainId, fromBlock: deployment.block }
    return await work(await RegistryClient.connect(expected))
  } finally {
    provider.destroy()
  }
}
