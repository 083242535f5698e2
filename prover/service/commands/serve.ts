import type { RpcAddress } from '../../registry/index.ts'
import type { Command } from 'commander'
import { Option } from 'commander'
import type { LogLevel, ServiceLog } from '../daemon/log.ts'
import type { ServeEvent } from '../daemon/serve.ts'
import type { RunServeOptions } from '../daemon/serving.ts'
import { type TriggerName, triggerNames } from '../daemon/triggers.ts'
import { MOST_TIMER_MS } from '../../timers.ts'
import { requireKeysFolder } from '../workspace.ts'
import { type Called, OptionAloneError, OptionMissingError, requireOptions } from '../text/usageError.ts'
import { EXIT, type Terminal, unlessUnwritable } from '../text/terminal.ts'
import { action, addCommand, fraction, marketNames, positiveNumber, wholeNumber, rpcAddresses } from './command.ts'
import { calledIn, takeSettings } from './serveConfig.ts'
import { stopSignal } from './stop.ts'

type Options = ShownOptions & {
  config?: string
  check?: boolean
  rpc?: RpcAddress
  deployment?: string
  registry?: string
  portfolio?: string
  fromBlock?: number
  demo?: boolean
  keyFile?: string
  passwordFile?: string
  signer?: string
  maxFeeGwei: number
  leastBatches: number
  store?: string
  database?: string
  proveHere?: 'never' | 'alone' | 'always'
  market?: string[]
  trigger: TriggerName[]
  heartbeat: number
  spotMove: number
  volatilityMove: number
  liquidationBudget: number
  liquidationWindow: number
  settle: number
  confirmations: number
  poll: number
  keys?: string
  accounts: boolean
  rounds?: string
  near?: number
  carry?: number
  countEvery?: number
}

type ShownOptions = {
  http?: string
  apiKeys?: string
  rate?: number
  maxFeedAge?: number
  maxHeadAge?: number
  maxLag?: number
  minBalance?: number
  traces?: string
  log: 'human' | 'json'
  logLevel: LogLevel
}

/** Where a demonstration shows itself unless it is told otherwise. */
const DEMO_HTTP = '127.0.0.1:8080'

export function addServeCommand(program: Command): void {
  const serve = addCommand(
    program,
    'serve',
    'watch the inboxes, prove batches as triggers ask for them, and put them in force',
    [
      'serve --rpc http://127.0.0.1:8545 --deployment deployment.json --key-file prover.key',
      'serve --rpc … --registry 0x… --key-file prover.key',
      'serve --rpc … --deployment deployment.json --trigger prediction spot --spot-move 0.01',
      'serve --rpc … --deployment deployment.json --http 127.0.0.1:8080 --api-keys keys.json --log json',
      'serve --config serve.json --check',
      'serve --demo',
    ],
  )
    .addHelpText(
      'after',
      '\nEnds with SIGTERM or Ctrl-C after the job under way. Whenever it dies, the next one takes up from its store.' +
        '\nAlarms are told when they are raised and when they are over: breaches, margins at their speed limit, observations' +
        '\nthat a source held, refused or took in part, staleness, too few signers (docs/deploying.md).',
    )
    .option(
      '--config <file>',
      'options from a JSON file (docs/generated/serve.schema.json); variables ZKRISK_SERVE_… and the command line go first',
    )
    .option('--check', 'see whether all that the service needs is there, and end: nothing is proven or changed')
    .option('--rpc <url>', 'node of the chain: http(s) or ws(s); several times, for others that stand by', rpcAddresses)
    .option('--deployment <file>', 'where the engine lives')
    .option(
      '--registry <address>',
      'the registry alone: all else is read from the chain, and a deployment file compared',
    )
    .option(
      '--from-block <block>',
      'registry: a block before its deployment, if the node does not tell',
      wholeNumber(0),
    )
    .option('--demo', 'a development chain here and now, fed with the crash of March 2020, and its dashboard')
    .option('--key-file <file>', 'private key that pays, or a keystore with one; by default the variable ZKRISK_KEY')
    .option('--password-file <file>', 'password of a keystore; by default the variable ZKRISK_PASSWORD')
    .addOption(
      new Option('--signer <module>', 'signs with a key kept elsewhere (docs/sending.md)').conflicts('keyFile'),
    )
    .option('--max-fee-gwei <gwei>', 'most that a transaction offers for a unit of gas', positiveNumber, 500)
    .option('--least-batches <count>', 'alarm when the balance lasts for fewer', wholeNumber(0), 20)
    .addOption(
      new Option('--store <file>', 'what must not be forgotten; state/serve.sqlite by default').conflicts('database'),
    )
    .option('--database <url>', 'keep it in this Postgres instead; by default the variable DATABASE_URL')
    .addOption(
      new Option(
        '--prove-here <when>',
        'database: prove in this process too; alone: while no worker lives (default)',
      ).choices(['never', 'alone', 'always']),
    )
    .option('--market <name...>', 'markets to serve; all by default', marketNames)
    .addOption(
      new Option('--trigger <name...>', 'what a batch is made for; any of them is enough')
        .choices(triggerNames)
        .default(['observations']),
    )
    .option('--heartbeat <seconds>', 'heartbeat: the data in force is this old', wholeNumber(1), 3600)
    .option('--spot-move <fraction>', 'spot: the price has moved by this log return', positiveNumber, 0.005)
    .option(
      '--volatility-move <ratio>',
      'volatility: it would rise by this log ratio, or fall by twice that',
      positiveNumber,
      0.05,
    )
    .option(
      '--liquidation-budget <accounts>',
      'liquidations: so many accounts were shown to be below maintenance',
      wholeNumber(1),
      3,
    )
    .option('--liquidation-window <seconds>', 'liquidations: within this time', wholeNumber(1), 3600)
    .option(
      '--settle <milliseconds>',
      'a batch waits so long for markets that have not moved yet',
      wholeNumber(0, 10_000),
      250,
    )
    .option('--confirmations <blocks>', 'after which a batch is believed; it is watched for 64', wholeNumber(1), 1)
    .option('--poll <milliseconds>', 'between two looks at the chain', wholeNumber(10, MOST_TIMER_MS), 500)
    .option('--keys <folder>', 'keys, instead of the project’s own')
  addAccountsOptions(serve)
  addShownOptions(serve).action(
    action<Options, []>(async (terminal, given) => {
      takeSettings(serve, given.config, process.env)
      const options = serve.optsWithGlobals<Options>()
      requireUse(serve, options)
      const called = calledIn(serve, given.config)
      const log = await openLog(options, terminal)
      const onEvent = (event: ServeEvent): void => {
        if (terminal.json) unlessUnwritable(() => terminal.result({ time: new Date().toISOString(), ...event }, ''))
        if (!terminal.json || options.log === 'json') log.event(event)
      }
      const wanted: RunServeOptions = {
        ...options,
        ...(await placeOf(serve, options, { called, say: terminal.say, onEvent })),
        ...surfaceOf(options, log, called),
        triggers: {
          triggers: options.trigger,
          heartbeatSeconds: options.heartbeat,
          spotMove: options.spotMove,
          volatilityMove: options.volatilityMove,
          liquidationBudget: options.liquidationBudget,
          liquidationWindowSeconds: options.liquidationWindow,
        },
        settleMs: options.settle,
        pollMs: options.poll,
        accounts: accountsOf(options, called),
        // A check ends by itself, and leaves nothing behind where commands share a process.
        signal: options.check === true ? new AbortController().signal : stopSignal(),
        onEvent,
      }
      if (options.check === true) return check(terminal, wanted)
      const { runServe } = await import('../daemon/serving.ts')
      const events = await runServe(wanted)
      const ended = `${events.confirmed} ${events.confirmed === 1 ? 'batch' : 'batches'} confirmed, ${events.superseded} superseded.`
      if (!terminal.json) unlessUnwritable(() => terminal.result(undefined, ended))
      return EXIT.success
    }),
  )
}

/** What each is for; a file may say them for whenever they are. */
const usedBy = {
  heartbeat: 'heartbeat',
  spotMove: 'spot',
  volatilityMove: 'volatility',
  liquidationBudget: 'liquidations',
  liquidationWindow: 'liquidations',
} as const satisfies Partial<Record<keyof Options, TriggerName>>

/** Refuses what the command line says and nothing would use. @throws {@link OptionAloneError} */
function requireUse(serve: Command, { trigger, http, demo }: Options): void {
  const isSaid = (name: string): boolean => serve.getOptionValueSource(name) === 'cli'
  for (const [name, wanted] of Object.entries(usedBy)) {
    if (isSaid(name) && !trigger.includes(wanted)) throw new OptionAloneError(flagOf(name), `trigger ${wanted}`)
  }
  if (isSaid('rate') && http === undefined && demo !== true) throw new OptionAloneError('rate', 'http')
}

const flagOf = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** Exit 1 if the service could not begin. */
async function check(terminal: Terminal, wanted: RunServeOptions): Promise<number> {
  const [{ checkServe }, { formatFindings, isFault }] = await Promise.all([
    import('../daemon/checkServe.ts'),
    import('../answers/findings.ts'),
  ])
  const findings = await checkServe(wanted)
  terminal.result(findings, formatFindings(findings))
  return findings.some(isFault) ? EXIT.failure : EXIT.success
}

async function openLog({ log, logLevel }: Options, terminal: Terminal): Promise<ServiceLog> {
  const { humanLog, jsonLog } = await import('../daemon/log.ts')
  return log === 'json' ? jsonLog(logLevel, terminal.raw) : humanLog(logLevel, terminal.say)
}

function surfaceOf(options: Options, log: ServiceLog, called: Called): Pick<RunServeOptions, 'surface'> {
  const { apiKeys, maxFeedAge, maxHeadAge, maxLag, minBalance } = options
  const http = options.http ?? (options.demo === true ? DEMO_HTTP : undefined)
  const shown = { apiKeys, maxFeedAge, maxHeadAge, maxLag, minBalance }
  if (http !== undefined) return { surface: { ...shown, http, rate: options.rate, log } }
  const flags = Object.entries(shown).map(([name, value]) => [flagOf(name), value])
  requireOptions(Object.fromEntries(flags), { needs: 'http' }, called)
  return {}
}

function addAccountsOptions(serve: Command): void {
  serve
    .option('--no-accounts', 'prove no margins of accounts, though the deployment has a registry of them')
    .option(
      '--rounds <folder>',
      'words of rounds, as whoever publishes them writes them (docs/accounts.md); beside the store',
    )
    .option('--near <share>', 'accounts first whose liquidation threshold is so near to spot; 0.02, or 2%', fraction)
    .option('--carry <share>', 'arrays of a round serve while spot has moved by no more; 0.0025, or 0.25%', fraction)
    .option('--count-every <seconds>', 'open a count of all accounts when the last is so old; never', wholeNumber(1))
}

function accountsOf(
  { accounts, rounds, near, carry, countEvery }: Options,
  called: Called,
): RunServeOptions['accounts'] {
  if (!accounts) {
    requireOptions({ rounds, near, carry, 'count-every': countEvery }, { excludes: 'no-accounts' }, called)
    return false
  }
  return { ...(rounds === undefined ? {} : { rounds }), near, carry, countEvery }
}

function addShownOptions(serve: Command): Command {
  return serve
    .option('--http <address>', 'serve figures, health, metrics and a dashboard there, such as 127.0.0.1:8080')
    .option('--api-keys <file>', 'http: who may ask for more than figures (docs/operations.md)')
    .option('--rate <requests>', 'http: of one client in a second', wholeNumber(1, 100_000), 100)
    .option('--max-feed-age <seconds>', 'not ready when a market has had no observation for so long', positiveNumber)
    .option('--max-head-age <seconds>', 'not ready when the chain has had no block for so long', positiveNumber)
    .option('--max-lag <seconds>', 'not ready when an observation waits so long for its proof', positiveNumber)
    .option('--min-balance <amount>', 'not ready when the account has less of the chain’s currency', positiveNumber)
    .option(
      '--traces <url>',
      'collector of OpenTelemetry; by default what OTEL_EXPORTER_OTLP_ENDPOINT says (docs/operations.md)',
    )
    .addOption(
      new Option('--log <format>', 'how the service tells of its work').choices(['human', 'json']).default('human'),
    )
    .addOption(
      new Option('--log-level <level>', 'the least that is told')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
}

/** It has an account, a store and a chain of its own. */
const notOfDemos = [
  'fromBlock',
  'passwordFile',
  'signer',
  'store',
  'proveHere',
  'rounds',
] as const satisfies (keyof Options)[]

type ServedPlace = Pick<RunServeOptions, 'rpc' | 'deployment' | 'keyFile' | 'store' | 'database'>

/** Where to serve: what the flags name, or a chain of the demonstration's own. */
async function placeOf(
  serve: Command,
  options: Options,
  { called, say, onEvent }: Pick<RunServeOptions, 'onEvent'> & Pick<Terminal, 'say'> & { readonly called: Called },
): Promise<ServedPlace> {
  const { rpc, deployment, registry, portfolio, fromBlock, keyFile, keys, store } = options
  if (options.demo === true) {
    const { database, check } = options
    requireOptions(
      { rpc, deployment, registry, portfolio, 'key-file': keyFile, database, check },
      { excludes: 'demo' },
      called,
    )
    // A variable may say these for services; what the command line says is meant.
    const said = notOfDemos.filter((name) => serve.getOptionValueSource(name) === 'cli')
    requireOptions(Object.fromEntries(said.map((name) => [flagOf(name), true])), { excludes: 'demo' })
    const [{ openServeDemo }, { requireListenable }] = await Promise.all([
      import('../development/serveDemo.ts'),
      import('../http/listenable.ts'),
    ])
    // Before a chain is begun for it.
    requireKeysFolder(keys)
    await requireListenable(options.http ?? DEMO_HTTP, options.apiKeys)
    return { ...(await openServeDemo(say)), database: undefined }
  }
  if (rpc === undefined) throw new OptionMissingError('rpc')
  // A file that is named is meant, whatever else the shell knows.
  const database = options.database ?? (store === undefined ? process.env.DATABASE_URL || undefined : undefined)
  if (database === undefined) requireOptions({ 'prove-here': options.proveHere }, { needs: 'database' }, called)
  const own = { rpc, keyFile, store: store ?? 'state/serve.sqlite', database }
  if (registry === undefined) {
    requireOptions({ portfolio, 'from-block': fromBlock }, { needs: 'registry' }, called)
    if (deployment === undefined) throw new (await import('../answers/inForce.ts')).PlaceMissingError()
    return { ...own, deployment }
  }
  const { takeOver } = await import('../takeover/takeOver.ts')
  const rebuilt = await takeOver({ rpc, registry, portfolio, fromBlock, keys, published: deployment }, onEvent)
  return { ...own, deployment: rebuilt }
}
