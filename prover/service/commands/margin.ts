/** `zkrisk margin`: what an account must hold, and why. */
import type { RpcAddress } from '../../registry/index.ts'
import type { Command } from 'commander'
import type { ExistingCross } from '../answers/crossSite.ts'
import type { ExistingRegistry } from '../answers/marginSite.ts'
import type { MarginProofOptions } from '../answers/marginProof.ts'
import { EXIT, type Terminal } from '../text/terminal.ts'
import { addChainOptions, type ChainFlags, chainOptions } from './chainOptions.ts'
import { action, addCommand, rpcAddresses } from './command.ts'
import { OptionAloneError, OptionMissingError, requireOptions, UsageError } from '../text/usageError.ts'
import { withDatabasePackages } from '../optionalPackages.ts'

type Options = ChainFlags & {
  spot?: readonly string[]
  deriveCase?: string
  explain?: boolean
  prove?: boolean
  marginsAlone?: boolean
  count?: boolean
  unhealthy?: boolean
  report?: string
  out?: string
  rpc?: RpcAddress
  deployment?: string
  registry?: string
  account?: string
  keyFile?: string
  signerKeyFile?: string[]
  venueKeyFile?: string
  database?: string | true
  html?: string
  chain?: readonly string[]
  allowArbitrage?: boolean
  now?: string
  json?: boolean
}

const NOT_PROVEN = 'Computed by the twin of the circuits; --prove proves it.'

export function addMarginCommand(program: Command): void {
  const margin = addCommand(
    program,
    'margin [portfolio]',
    'initial and maintenance margin of an account, leg by leg, proven on request',
    [
      'margin portfolio.json --explain',
      'margin portfolio.json --prove -o margin.json',
      'margin portfolio.json --prove --margins-alone',
      'margin portfolio.json --prove --unhealthy',
      'margin portfolio.json --prove --rpc http://127.0.0.1:8545 --deployment deployment.json',
      'margin two-markets.json --prove --rpc http://127.0.0.1:8545 --registry 0x…',
      'margin portfolio.json --report rounds/ --rpc http://127.0.0.1:8545 --deployment deployment.json',
      'margin portfolio.json --prove --count',
      'margin portfolio.json --prove --database',
      'margin --derive-case case.json --prove --json',
      'margin portfolio.json --html margin.html',
      'margin portfolio.json --chain snapshot-*.csv.gz --html crash.html',
    ],
  )
    .option('--derive-case <file>', 'a case in the format of Derive’s portfolio margin tests, instead of a portfolio')
    .option('--explain', 'every intermediate with its formula and rounding')
    .option(
      '--chain <files...>',
      'the market of these option chains instead of the portfolio’s own, one after the other',
    )
    .option('--prove', 'prove it, and have a contract on a development chain verify and hold it')
    .option(
      '--margins-alone',
      'with --prove: the two margins and nothing else, five accounts a proof: a contract holds no thresholds',
    )
    .option(
      '--count',
      'with --prove: open a count of the round first, unless one is under way: what all accounts come to, once each is proven',
    )
    .option(
      '--unhealthy',
      'with --prove: that one scenario leaves it below maintenance, and no more: the shortest way to a liquidation',
    )
    .option(
      '--report <folder>',
      'instead of --prove: publish the round and report the account there, with the round’s words in this folder, for `zkrisk serve` to prove it',
    )
    .option('-o, --out <file>', 'with --prove: a bundle of all proofs and what they rest on, for `zkrisk verify`')
    .option(
      '--rpc <url>',
      'with --prove: node of the chain whose registry is to hold it, with --deployment',
      rpcAddresses,
    )
    .option('--deployment <file>', 'with --prove: where that registry is, and which models it takes')
    .option(
      '--registry <address>',
      'of an account over several markets: where that registry is, instead of --deployment',
    )
    .option('--account <address>', 'whose positions these are there')
    .option('--key-file <file>', 'private key that pays there; by default the variable ZKRISK_KEY')
    .option('--signer-key-file <file...>', 'keys that attest the round there, if it is not published yet')
    .option('--venue-key-file <file>', 'key that reports the account there, if it is not reported yet')
    .option(
      '--database [url]',
      'with --prove: have the workers at this Postgres prove, and here while none lives; by default the variable DATABASE_URL',
    )
    .option('--html <file>', 'also write a page with pictures')
    .option('--allow-arbitrage', 'take volatility surfaces whose butterflies can be arbitraged')
    .option('--now <time>', 'refuse a market that is stale at this time (UTC)')
    .option('--spot <price...>', 'spot instead of a chain’s index price, such as 69000, or BTC=69000 ETH=2080')
  addChainOptions(margin).action(
    action<Options, [string | undefined]>(async (terminal, options, portfolio) => {
      if (options.chain !== undefined) return await marginThrough(terminal, portfolio, options.chain, options)
      const reporting = reportingOptions(options)
      const proving = reporting === undefined ? provingOptions(options) : undefined
      requireOptions(ofChains(options), { needs: 'chain' })
      const [
        { readAccountOverMarkets },
        { accountAnswer, accountJson, formatAccount, provableMarket, requireOneMarket },
      ] = await Promise.all([import('../answers/margins.ts'), import('../answers/accountMargins.ts')])
      const answer = await accountAnswer(readAccountOverMarkets(portfolio, options))
      const { together } = answer
      const option = proving && ofOneMarket(options)
      if (option !== undefined) requireOneMarket(answer, option)
      const toProve = proving !== undefined && together === undefined ? provableMarket(answer) : undefined
      const ofOne = toProve && proving && inDeployment(proving)
      if (options.html !== undefined) {
        const { writeMarginReport } = await import('../report/marginReport.ts')
        writeMarginReport(options.html, answer)
        terminal.say(`Pictures: ${options.html}`)
      }
      const isExplained = options.explain === true
      if (reporting !== undefined) {
        requireOneMarket(answer, 'report')
        const { formatReported, reportMargin } = await import('../answers/marginReport.ts')
        const reported = await reportMargin(provableMarket(answer), reporting.existing, reporting.folder, terminal.say)
        terminal.result(
          { ...accountJson(answer, isExplained), reported },
          `${formatAccount(answer, isExplained)}\n\n${formatReported(reported)}`,
        )
        return EXIT.success
      }
      const by = await fleetOf(options, terminal)
      try {
        if (proving !== undefined && together !== undefined) {
          const { crossProofJson, formatCrossProof, proveCross } = await import('../answers/crossProof.ts')
          const proof = await proveCross(together, terminal.say, { existing: proving.existing, ...by })
          terminal.result(
            { ...accountJson(answer, isExplained), proof: crossProofJson(proof) },
            `${formatAccount(answer, isExplained)}\n\n${formatCrossProof(proof)}`,
          )
          return EXIT.success
        }
        if (toProve === undefined) {
          terminal.result(accountJson(answer, isExplained), `${formatAccount(answer, isExplained)}\n\n${NOT_PROVEN}`)
          return EXIT.success
        }
        if (options.unhealthy === true) {
          const { formatUnhealthy, proveUnhealthyAccount, unhealthyJson } = await import('../answers/unhealthyProof.ts')
          const shown = await proveUnhealthyAccount(toProve, terminal.say, { existing: ofOne?.existing, ...by })
          terminal.result(
            { ...accountJson(answer, isExplained), witness: unhealthyJson(shown) },
            `${formatAccount(answer, isExplained)}\n\n${formatUnhealthy(shown)}`,
          )
          return EXIT.success
        }
        const { formatProof, proofJson, proveMargin } = await import('../answers/marginProof.ts')
        const proof = await proveMargin(toProve, terminal.say, { ...ofOne, ...by })
        terminal.result(
          { ...accountJson(answer, isExplained), proof: proofJson(proof) },
          `${formatAccount(answer, isExplained)}\n\n${formatProof(proof)}`,
        )
        return EXIT.success
      } finally {
        // What is refused before anything is proven must not leave this process among those that prove.
        await by.prover?.close()
      }
    }),
  )
}

/** Who proves, where it is not this process alone. */
async function fleetOf(
  { database }: Options,
  terminal: Terminal,
): Promise<{ readonly prover?: import('../../proof/index.ts').Prover }> {
  if (database === undefined) return {}
  const address = database === true ? process.env.DATABASE_URL || undefined : database
  if (address === undefined) throw new OptionMissingError('database <url>', 'the variable DATABASE_URL')
  const { openFleetProver } = await withDatabasePackages(() => import('../daemon/fleet/openFleet.ts'))
  return { prover: await openFleetProver({ database: address, onWorkers: terminal.say }) }
}

/** An option that only proofs of one market have, if one is given. */
function ofOneMarket({ unhealthy, count, marginsAlone, out }: Options): string | undefined {
  const given = { unhealthy, count, 'margins-alone': marginsAlone, out }
  return Object.entries(given).find(([, value]) => value !== undefined && value !== false)?.[0]
}

/** Options that are about chains alone. */
const ofChains = ({ spot, volatilityUnit, dateOrder, decimalMark, maxAgeSeconds, columns }: Options) => ({
  ...{ spot, columns, 'volatility-unit': volatilityUnit, 'date-order': dateOrder, 'decimal-mark': decimalMark },
  'max-age-seconds': maxAgeSeconds,
})

/** How to prove, whatever an account is of. */
type ProvingOptions = Omit<MarginProofOptions, 'existing'> & { readonly existing?: ExistingCross | undefined }

/** The same of one market, whose registry a deployment names. @throws {@link ProvingOptionError} */
function inDeployment({ existing, ...options }: ProvingOptions): MarginProofOptions {
  if (existing === undefined) return options
  const { deployment, registry, ...rest } = existing
  if (deployment === undefined || registry !== undefined) throw new RegistryOfSeveralError()
  return { ...options, existing: { deployment, ...rest } }
}

/** Where to report, if that is wanted. @throws {@link OptionAloneError}, {@link UsageError} */
function reportingOptions(
  options: Options,
): { readonly existing: ExistingRegistry; readonly folder: string } | undefined {
  const { report: folder, prove, marginsAlone, count, unhealthy, out, registry, rpc, deployment } = options
  if (folder === undefined) return undefined
  const { database } = options
  const ofProofs = { prove, 'margins-alone': marginsAlone, count, unhealthy, out, registry, database }
  requireOptions(ofProofs, { excludes: 'report' })
  if (rpc === undefined) throw new OptionAloneError('report', 'rpc')
  if (deployment === undefined) throw new OptionAloneError('report', 'deployment')
  const { account, keyFile, signerKeyFile, venueKeyFile } = options
  return { folder, existing: { rpc, deployment, account, keyFile, signerKeyFile, venueKeyFile } }
}

/** How to prove, if it is wanted. @throws {@link ProvingOptionError} */
function provingOptions(options: Options): ProvingOptions | undefined {
  const {
    prove,
    marginsAlone: isAlone,
    count: isCounting,
    out,
    rpc,
    deployment,
    registry,
    account,
    keyFile,
    signerKeyFile,
    venueKeyFile,
  } = options
  const forPlace = { account, 'key-file': keyFile, 'signer-key-file': signerKeyFile, 'venue-key-file': venueKeyFile }
  const { unhealthy, database } = options
  const kinds = { 'margins-alone': isAlone, count: isCounting, unhealthy, out, database }
  const given = Object.entries({ ...kinds, rpc, deployment, registry, ...forPlace }).filter(
    ([, value]) => value !== undefined,
  )
  if (prove !== true) {
    if (given[0] !== undefined) throw new ProvingOptionError(given[0][0], 'prove')
    return undefined
  }
  const besides = isAlone === true ? 'margins-alone' : out === undefined ? undefined : 'out'
  if (options.unhealthy === true && besides !== undefined) throw new UnhealthyBesidesError(besides)
  if (isCounting === true && isAlone === true) throw new CountBesidesError('margins-alone')
  if (isCounting === true && options.unhealthy === true) throw new CountBesidesError('unhealthy')
  if (rpc !== undefined && (deployment ?? registry) !== undefined) {
    const existing = { rpc, deployment, registry, account, keyFile, signerKeyFile, venueKeyFile }
    return { isAlone, isCounting, out, existing }
  }
  const other = given.find(([name]) => !(name in kinds))?.[0]
  if (other !== undefined && rpc === undefined) throw new ProvingOptionError(other, 'rpc')
  if (other !== undefined) throw new ProvingOptionError(other, 'deployment', '--registry alone for several markets')
  return { isAlone, isCounting, out }
}

/** One market's registry is found by its deployment. */
export class RegistryOfSeveralError extends UsageError {
  readonly code = 'service.registry-of-several'

  constructor() {
    super(
      'Expected --deployment for an account in one market, got --registry: a registry is named alone only for accounts over several markets.',
    )
  }
}

/** A count adds up margins with everything else, and this proves less. */
export class CountBesidesError extends UsageError {
  readonly code = 'service.count-besides'
  readonly option: string

  constructor(option: string) {
    super(
      `Expected --count or --${option}, got both: a count adds up probability of default and Greeks, which are not proven so. Leave one out.`,
    )
    this.option = option
  }
}

/** An option of proofs means nothing without another one. */
export class ProvingOptionError extends OptionAloneError {
  override readonly code = 'service.proving-option'
}

/** A witness is neither margins nor comes with a bundle. */
export class UnhealthyBesidesError extends UsageError {
  readonly code = 'service.unhealthy-besides'
  readonly option: string

  constructor(option: string) {
    super(
      `Expected --unhealthy alone, got --${option} besides: it proves one scenario and no margins. Run them one after the other.`,
    )
    this.option = option
  }
}

async function marginThrough(
  terminal: Terminal,
  portfolio: string | undefined,
  chains: readonly string[],
  options: Options,
): Promise<number> {
  const [{ formatThrough, marginsThrough, ProveThroughError, throughJson }, { AccountChoiceError }] = await Promise.all(
    [import('../answers/marginThrough.ts'), import('../answers/margins.ts')],
  )
  if (portfolio === undefined || options.deriveCase !== undefined) throw new AccountChoiceError()
  if (options.prove === true) throw new ProveThroughError()
  provingOptions(options)
  requireOptions({ explain: options.explain, report: options.report }, { excludes: 'chain' })
  const { maxAgeSeconds, ...reading } = chainOptions(options)
  const { allowArbitrage, now, spot } = options
  const answers = await marginsThrough(portfolio, chains, { allowArbitrage, now, spot, maxAgeSeconds, reading })
  if (options.html !== undefined) {
    const { writeThroughReport } = await import('../report/throughReport.ts')
    writeThroughReport(options.html, answers)
    terminal.say(`Pictures: ${options.html}`)
  }
  terminal.result(throughJson(answers), formatThrough(answers))
  return EXIT.success
}
