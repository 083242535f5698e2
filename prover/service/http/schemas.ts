/** Requests and answers of the HTTP interface; /openapi.json is made of these. */
import { z } from 'zod'
import { statusNames } from '../daemon/jobStore.ts'
import { checkNames } from './readiness.ts'

const time = z.string().describe('UTC, as 2020-03-12T10:00:00Z')
const fraction = z.number().describe('0.05 is 5 %')
const money = z.string().describe('Exact decimal, in the quote currency')
const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'expected 0x and 40 hexadecimal digits')
const margins = {
  initialMarginPercent: z.number(),
  maintenanceMarginPercent: z.number(),
  liquidationThresholdPercent: z.number(),
  maxLoanToValuePercent: z.number(),
}

export const problemSchema = z
  .looseObject({
    type: z.string().describe('urn:zkrisk:problem:<code>'),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('What was expected, what came, what to do'),
    code: z.string().describe('Stable; match this, never the words'),
  })
  .describe('RFC 9457 problem document')

export const marketName = z
  .string()
  .regex(/^[\x21-\x7e]{1,66}$/, 'expected a market’s name, such as BTC-USD')
  .describe('Such as BTC-USD, or BTC-USD~garch of a shadow')
export const marketParams = z.object({ market: marketName })
export const accountParams = z.object({ account: address })
export const batchParams = z.object({
  batch: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits, as /v1/batches lists them'),
})
export const requestParams = z.object({ request: z.uuid() })
export const pageQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(1000).default(50) })
export const seriesQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(2000).default(500) })
export const eventsQuery = z.strictObject({ after: z.coerce.number().int().min(0).optional() })

export const marketSchema = z.object({
  market: z.string(),
  status: z.enum(['in-force', 'stale', 'not-proven', 'shadow']),
  asOf: time.nullable(),
  ageSeconds: z.number().nullable(),
  sequence: z.int(),
  parameters: z
    .object({
      ...margins,
      volatilityPercent: z.number(),
      scanRangePercent: z.number(),
      horizonMoveDownPercent: z.number(),
      horizonMoveUpPercent: z.number(),
    })
    .nullable(),
  forLiquidation: z.object(margins).nullable(),
  volatilityModel: z.string(),
  build: z.string().nullable(),
  modelId: z.string().nullable(),
  source: z.object({ name: z.string().nullable(), kind: z.string().nullable(), address: z.string() }),
  lastBatch: z.object({ block: z.int(), transactionHash: z.string() }).nullable(),
})

export const seriesSchema = z.object({
  market: z.string(),
  points: z.array(
    z.object({
      asOf: time,
      sequence: z.int(),
      price: z.number(),
      volatility: fraction,
      initialMargin: fraction,
      maintenanceMargin: fraction,
      bandLow: z.number(),
      bandHigh: z.number(),
      breach: z.enum(['down', 'up']).nullable(),
      block: z.int(),
      transactionHash: z.string(),
    }),
  ),
})

export const modelSchema = z.object({
  build: z.string(),
  modelId: z.string(),
  status: z.string(),
  volatilityModel: z.string().nullable(),
  verificationKeyHash: z.string(),
})

export const scoreSchema = z.object({
  market: z.string(),
  model: z.string(),
  isControl: z.boolean(),
  predictions: z.int(),
  scoreDown: z.number().nullable(),
  scoreUp: z.number().nullable(),
})

export const feedSchema = z.object({
  market: z.string(),
  source: z.string(),
  kind: z.string(),
  newestAsOf: time,
  ageSeconds: z.number(),
  waiting: z.int(),
})

const stageTimes = z.object({
  planned: time.nullable(),
  proven: time.nullable(),
  signed: time.nullable(),
  sent: time.nullable(),
  confirmed: time.nullable(),
})

const stepSeconds = z.object({
  prove: z.number().nullable(),
  sign: z.number().nullable(),
  send: z.number().nullable(),
  land: z.number().nullable(),
})

export const batchSchema = z.object({
  id: z.string(),
  build: z.string(),
  status: z.enum(statusNames),
  trigger: z.string(),
  summary: z.string(),
  reason: z.string().nullable(),
  createdAt: time,
  updatedAt: time,
  stages: stageTimes.describe('Null where this process did not see it'),
  stepSeconds,
  transactions: z.array(z.string()).describe('Hashes, newest first; they share a nonce'),
})

export const verdictSchema = z.object({
  batch: z.string(),
  valid: z.boolean().describe('The twin recomputes it and the proof holds, under the key that is registered'),
  failure: z.object({ claim: z.string(), field: z.string().nullable() }).nullable(),
  claims: z.array(z.object({ claim: z.string(), holds: z.boolean() })),
})

export const proofSchema = z.object({
  batch: z.string(),
  modelId: z.string(),
  build: z.string(),
  publicSignals: z.looseObject({}),
  proof: z.looseObject({}),
})

export const portfolioSchema = z.object({
  registry: z.string(),
  arrays: z.string(),
  market: z.string(),
  policyVersion: z.int(),
  newestRound: z.object({ asOf: time, ageSeconds: z.number() }).nullable(),
  maxRoundAgeSeconds: z.number(),
  maxRoundLagSeconds: z.number(),
  maxMarginAgeSeconds: z.number(),
  maxPriceGapPercent: z.number(),
})

export const rankedAccountSchema = z.object({
  account: z.string(),
  aboveMaintenanceMarginQuote: money.nullable(),
  aboveInitialMarginQuote: money.nullable(),
  isUnhealthy: z.boolean(),
})

export const accountSchema = z.object({
  account: z.string(),
  market: z.string(),
  quoteCurrency: z.string(),
  status: z.string(),
  asOf: time.nullable(),
  ageSeconds: z.number().nullable(),
  maxAgeSeconds: z.number(),
  roundLagSeconds: z.number().nullable(),
  reports: z.int(),
  provenReport: z.int().nullable(),
  aboveInitialMarginQuote: money.nullable(),
  aboveMaintenanceMarginQuote: money.nullable(),
  worstScenario: z.int().nullable(),
  hasThresholds: z.boolean().nullable(),
  liquidationBelowQuote: money.nullable(),
  liquidationAboveQuote: money.nullable(),
  forLiquidation: z
    .object({
      liquidatable: z.boolean(),
      aboveMaintenanceMarginQuote: money.nullable(),
      ageSeconds: z.number(),
    })
    .nullable(),
})

export const pipelineSchema = z.object({
  round: time.nullable().describe('Newest round whose words are at hand and that is fresh enough to begin with'),
  roundWithoutWords: time.nullable().describe('A newer one whose words nobody has handed on'),
  due: z.record(z.string(), z.int()).describe('Accounts that are worth a proof, by reason'),
  notLookedAt: z.int().describe('Accounts that the twin has not looked at in this round yet'),
  underWay: z.array(z.object({ job: z.string(), kind: z.string(), trigger: z.string(), summary: z.string() })),
  waitingToBeSent: z.int(),
  pausedFor: z.string().nullable().describe('What failed, while it is not tried again yet'),
  inForce: z.array(
    z.object({
      account: z.string(),
      sequence: z.int(),
      asOf: time,
      aboveInitialMarginQuote: money.nullable(),
      aboveMaintenanceMarginQuote: money.nullable(),
      isUnhealthy: z.boolean(),
      waitedSeconds: z.number().describe('Since this service saw that it is needed'),
      job: z.string(),
      time,
    }),
  ),
  leftOut: z.array(z.object({ says: z.string(), time })),
  jobs: z.array(batchSchema).describe('Newest first'),
})

export const roundTakenSchema = z.object({ market: z.string(), asOf: time })

export const openInterestSchema = z.object({
  market: z.string(),
  quoteCurrency: z.string(),
  status: z.enum(['complete', 'stale', 'not-counted']),
  asOf: time.nullable(),
  ageSeconds: z.number().nullable(),
  maxAgeSeconds: z.number(),
  accounts: z.int().nullable(),
  accountsBelowMaintenance: z.int().nullable(),
  expectedDefaults: z.number().nullable(),
  expectedShortfallQuote: money.nullable(),
  netDelta: z.number().nullable(),
  netGamma: z.number().nullable(),
  netVegaPerPointQuote: money.nullable(),
  underWay: z.object({ asOf: time, counted: z.int(), accounts: z.int(), openedAt: time }).nullable(),
})

const liquidationSchema = z.object({
  kind: z
    .enum(['unhealthy', 'cleared', 'liquidated'])
    .describe('Shown to be below maintenance; no longer; taken over in part by a liquidator of the venue'),
  account: z.string().describe('As the registry knows it'),
  block: z.int(),
  transactionHash: z.string(),
  taken: z
    .object({
      owner: z.string(),
      liquidator: z.string(),
      asOf: time.describe('Round of the evidence'),
      evidence: z.enum(['margins', 'witness']),
      fractionPercent: z.number(),
      notionalQuote: money,
      cashQuote: money.describe('That went to the liquidator; negative: that it paid'),
      bonusPercent: z.number(),
      coveredQuote: money.describe('By the insurance fund'),
      badDebtQuote: money,
    })
    .nullable()
    .describe('Of `liquidated` alone; `zkrisk receipt` verifies it'),
})

export const liquidationsSchema = z.object({
  liquidations: z.array(liquidationSchema),
  venue: z.string().nullable().describe('Whose liquidations are among them; null where the deployment names none'),
  says: z.string().nullable().describe('Why none are'),
})

const quantity = z.string().describe('Exact decimal, of units of the asset')

export const hedgeSchema = z.object({
  market: z.string(),
  status: z.enum(['complete', 'stale', 'not-counted']),
  asOf: time.nullable(),
  netDelta: z.number().nullable().describe('Of all accounts together, proven; of units of the asset'),
  wantedDelta: z.number().nullable().describe('What would hedge it: its opposite'),
  agent: z.string().nullable().describe('Who trades it; null where the deployment names nobody'),
  says: z.string().nullable().describe('Why nothing is known of a hedge'),
  positionDelta: quantity.nullable().describe('What the agent holds beyond what is held against no delta'),
  lastTradeAt: time.nullable(),
  trades: z.array(
    z.object({
      block: z.int(),
      transactionHash: z.string(),
      figuresAsOf: time.describe('Round of the open interest'),
      bought: quantity.describe('Negative: sold'),
      cashQuote: money.describe('Came in; negative: went out'),
      targetDelta: quantity,
      gapDelta: quantity.describe('What was wanted more, before the trade'),
      bandDelta: quantity.describe('Gap that is left alone'),
    }),
  ),
})

export const alarmSchema = z.object({ kind: z.string(), of: z.string(), says: z.string() })

export const readinessSchema = z.object({
  ready: z.boolean(),
  at: time,
  checks: z.array(z.object({ name: z.enum(checkNames), ok: z.boolean(), says: z.string(), since: time })),
})

export const livenessSchema = z.object({ alive: z.boolean(), says: z.string() })

const paused = z.object({ by: z.string().describe('Name of the key'), since: time })

export const statusSchema = z.object({
  version: z.string(),
  chainId: z.string(),
  registry: z.string(),
  account: z.string(),
  balance: z.string().nullable().describe('Of the account that pays, in the chain’s currency'),
  startedAt: time,
  block: z.int().nullable(),
  chainTime: time.nullable(),
  isDevelopment: z.boolean(),
  paused: paused.nullable(),
  jobs: z.record(z.enum(statusNames), z.int()),
  sending: z
    .object({
      endpoint: z.string().nullable().describe('Of the RPC in use, without what may be secret in it'),
      lastsBatches: z.number().nullable().describe('How many batches the balance lasts'),
      maxFeeGwei: z.number().describe('That no transaction offers more than'),
      pendingTransactions: z.array(z.object({ batch: z.string(), hash: z.string(), nonce: z.int() })),
    })
    .nullable(),
  waitingRequests: z.int(),
  parts: z.object({
    portfolio: z.boolean(),
    accounts: z.boolean().describe('Margins of accounts are proven here'),
    hedge: z.boolean(),
    fleet: z.boolean().describe('Workers prove at a database'),
  }),
})

export const fleetSchema = z.object({
  workers: z
    .array(
      z.object({
        name: z.string(),
        isLive: z.boolean().describe('Heard of within 15 s'),
        isService: z.boolean().describe('A service that proves itself while nobody else does'),
        silentSeconds: z.number().describe('Since it last said that it lives'),
        inHand: z.int().describe('Jobs that it was proving then'),
      }),
    )
    .describe('That live, or fell silent within the last hour'),
  queue: z.array(
    z.object({
      circuit: z.string(),
      status: z.enum(['waiting', 'active', 'parked']),
      jobs: z.int(),
      oldestSeconds: z.number().describe('Since the oldest of them was asked for'),
    }),
  ),
  doubts: z
    .array(
      z.object({
        worker: z.string().describe('What it calls itself'),
        wrong: z.int().describe('Answers that turned out wrong'),
        code: z.string().describe('Of the last of them'),
        secondsAgo: z.number(),
      }),
    )
    .describe('Workers whose answers turned out wrong within the last hour'),
})

export const proofRequestBody = z.strictObject({
  markets: z.array(marketName).min(1).max(64).optional().describe('All by default'),
})

export const proofRequestSchema = z.object({
  id: z.string(),
  markets: z.array(z.string()),
  askedBy: z.string(),
  status: z.enum(['waiting', 'begun', 'expired']),
  job: z.string().nullable().describe('The batch that was begun for it'),
  paused: paused
    .optional()
    .describe('While it waits for the service to be resumed; it ends after ten minutes all the same'),
  askedAt: time,
})

export const pauseSchema = z.object({ paused: z.boolean() })

/** Lists have a name, so that more can stand beside them. */
export const listOf = <Name extends string, Item extends z.ZodType>(name: Name, item: Item) =>
  z.object({ [name]: z.array(item) } as Record<Name, z.ZodArray<Item>>)
