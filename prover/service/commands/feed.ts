/** `zkrisk feed`: prices for a source, from files, by hand, or from providers as they tell them. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { RpcAddress } from '../../registry/index.ts'
import type { FeedFlags } from '../feeds/feedFlags.ts'
import type { FeedLog } from '../feeds/feedLog.ts'
import type { Speed } from '../feeds/pace.ts'
import type { LiveEvent, RunFeedsOptions } from '../feeds/runFeeds.ts'
import { type Terminal, unlessUnwritable } from '../text/terminal.ts'
import { OptionMissingError, requireOptions } from '../text/usageError.ts'
import { THREE_TERMINALS } from './chain.ts'
import { action, addCommand, rpcAddresses, timerSeconds, wholeNumber } from './command.ts'
import { addPriceOptions, type PriceFlags, priceOptions } from './priceOptions.ts'
import { stopSignal } from './stop.ts'

type AttestFlags = {
  rpc: RpcAddress
  deployment: string
  signerKeyFile: string[]
  keyFile?: string
  source?: string
  asOf?: string
}
type ReplayOptions = PriceFlags & {
  rpc: RpcAddress
  deployment: string
  market?: string[]
  pause?: number
  speed?: Speed
  count?: number
}
type LiveOptions = FeedFlags & {
  feeds?: string
  rpc?: RpcAddress
  deployment?: string
  signerKeyFile?: string[]
  keyFile?: string
  dryRun?: boolean
  recorded?: boolean
  rounds?: string
  http?: string
  count?: number
}

const PAUSE_SECONDS = 5

const DOOR_HELP =
  '\nThe source’s door holds a jump until others confirm it and refuses what no market does (docs/deploying.md); what it' +
  '\nsays of each price is told.'

export function addFeedCommands(program: Command): void {
  const feed = program.command('feed').description('observations for a source of prices: live, from files, or by hand')
  addLive(feed)
  addReplay(feed)
  addAttest(feed)
}

function addReplay(feed: Command): void {
  const replay = addCommand(
    feed,
    'replay [prices...]',
    'attest prices with the development signers and append them, one time after the other',
    [
      'feed replay --rpc http://127.0.0.1:8545 --deployment deployment.json --pause 5',
      'feed replay btc.csv eth.csv --market BTC-USD --market ETH-USD --speed 60 --rpc http://127.0.0.1:8545 --deployment deployment.json',
    ],
  )
    .addHelpText('after', `${DOOR_HELP}${THREE_TERMINALS}`)
    .requiredOption('--rpc <url>', 'node of the development chain', rpcAddresses)
    .requiredOption('--deployment <file>', 'where the engine lives')
    .option('--market <name...>', 'market of each price file, in order; by default the project’s extract is replayed')
    .option(
      '--pause <seconds>',
      `between two times, whatever lies between them (default: ${PAUSE_SECONDS})`,
      timerSeconds,
    )
    .option('--speed <times>', 'as it was recorded, so many times as fast: 60 makes an hour a minute; or max', speedOf)
    .option('--count <count>', 'end after this many times', wholeNumber(1))
  addPriceOptions(replay).action(
    action<ReplayOptions, [string[]]>(async (terminal, options, files) => {
      if (options.speed !== undefined) requireOptions({ pause: options.pause }, { excludes: 'speed' })
      const { replayFeed } = await import('../development/tryOut.ts')
      const { times, held, refused, gaps } = await replayFeed(files, {
        ...options,
        pause: options.pause ?? PAUSE_SECONDS,
        market: options.market ?? [],
        prices: priceOptions(options),
        say: terminal.say,
      })
      const door = held + refused === 0 ? '' : `; the door held ${held} and refused ${refused} of their prices`
      const missing = gaps === 0 ? '' : `; ${gaps} ${gaps === 1 ? 'gap' : 'gaps'} between them`
      const text = `${times === 1 ? '1 time' : `${times} times`} attested${door}${missing}.`
      terminal.result({ times, held, refused, gaps }, text)
    }),
  )
}

function addAttest(feed: Command): void {
  addCommand(feed, 'attest <market> <price>', 'attest one price with signers’ keys, and append it to their feed', [
    'feed attest BTC-USD 67123.5 --rpc … --deployment deployment.json --signer-key-file a.key b.key --key-file payer.key',
  ])
    .addHelpText('after', DOOR_HELP)
    .requiredOption('--rpc <url>', 'node of the chain', rpcAddresses)
    .requiredOption('--deployment <file>', 'where the engine lives')
    .requiredOption('--signer-key-file <file...>', 'private keys of as many signers as the feed wants')
    .option('--key-file <file>', 'private key that pays; by default the variable ZKRISK_KEY')
    .option('--source <name>', 'feed, where the deployment has several')
    .option('--as-of <time>', 'time of the price, UTC; by default that of the chain’s latest block')
    .action(
      action<AttestFlags, [string, string]>(async (terminal, options, market, price) => {
        const [{ attestPrice }, { thousandsNotes }] = await Promise.all([
          import('../answers/attesting.ts'),
          import('../../portfolio/input/thousands.ts'),
        ])
        // Before anything is signed: a price that was meant a thousand times as high stays on the chain
        for (const note of thousandsNotes('<price>', price)) terminal.say(note)
        const attested = await attestPrice({ ...options, market, price })
        terminal.result(attested, `${attested.says}. Feed ${attested.feed}, block ${attested.block}.`)
      }),
    )
}

const LIVE_HELP = `
Every few seconds the median of what the feeds say becomes an observation, if enough of them have a price and agree. It is
signed with the committee's keys and appended, or carried as the update that Pyth's network signed where the market's source
is an adapter of Pyth's. What a feed says that cannot be is refused by name; one that is silent is connected anew. What is told,
and what to do about it: docs/feeds.md. Ends with SIGTERM or Ctrl-C, after what is on its way.

Try it without a chain and without keys:
  $ zkrisk feed live --deribit BTC-USD=BTC-PERPETUAL --dry-run --count 3`

function addLive(feed: Command): void {
  const live = addCommand(
    feed,
    'live',
    'prices of Pyth and Deribit as they come, made observations of a market’s source, and surfaces made rounds',
    [
      'feed live --pyth BTC-USD=0xe62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43 --deribit BTC-USD=BTC-PERPETUAL \\\n      --least-sources 2 --rpc … --deployment deployment.json --signer-key-file a.key b.key --key-file payer.key',
      'feed live --feeds feeds.json --rpc … --deployment deployment.json --signer-key-file a.key b.key --http 127.0.0.1:9101',
    ],
  ).addHelpText('after', LIVE_HELP)
  addFeedOptions(live)
    .option('--rpc <url>', 'node of the chain; several times, for others that stand by', rpcAddresses)
    .option('--deployment <file>', 'where the engine lives')
    .option('--signer-key-file <file...>', 'private keys of as many signers as the source wants')
    .option('--key-file <file>', 'private key that pays; by default the variable ZKRISK_KEY')
    .option('--dry-run', 'without a chain: observations are told and go nowhere')
    .option('--recorded', 'times are of a recording: a development chain’s clock is moved to them')
    .option(
      '--rounds <folder>',
      'publish rounds of the options that are quoted, for margins, and leave their words there, which serve --rounds names',
    )
    .option('--http <address>', 'metrics and readiness there, on this machine, such as 127.0.0.1:9101')
    .option('--count <count>', 'end after this many observations', wholeNumber(1))
    .action(
      action<LiveOptions, []>(async (terminal, options) => {
        const [{ runFeeds }, { FeedLog }] = await Promise.all([
          import('../feeds/runFeeds.ts'),
          import('../feeds/feedLog.ts'),
        ])
        const log = new FeedLog()
        const totals = await runFeeds({
          ...(await runOptionsOf(options)),
          signal: stopSignal(),
          onEvent: (event) => tell(terminal, log, event),
        })
        const { observed, appended, held, refusedByDoor, unsent, rounds } = totals
        const sent =
          options.dryRun === true ? '' : `, ${appended} appended, ${held} held, ${refusedByDoor} refused by the door`
        const lost = unsent === 0 ? '' : `, ${unsent} not sent`
        const published =
          options.rounds === undefined ? '' : `, ${rounds} ${rounds === 1 ? 'round' : 'rounds'} published`
        const text = `${observed} ${observed === 1 ? 'observation' : 'observations'}${sent}${lost}${published}.`
        terminal.result(totals, text)
      }),
    )
}

function addFeedOptions(live: Command): Command {
  return live
    .option('--feeds <file>', 'all of the following in a file (docs/feeds.md, docs/generated/feeds.schema.json)')
    .option('--pyth <market=id...>', 'prices of Pyth’s, by their ids')
    .option('--pyth-endpoint <url>', 'of Hermes (default: https://hermes.pyth.network)')
    .addOption(
      new Option('--pyth-mode <mode>', 'a stream, or the latest prices again and again').choices(['stream', 'poll']),
    )
    .option('--pyth-key-file <file>', 'key of who provides Hermes, if it wants one; its owner’s alone (mode 600)')
    .option('--deribit <market=instrument...>', 'prices of Deribit’s, by instrument')
    .option('--deribit-endpoint <url>', 'websocket (default: wss://www.deribit.com/ws/api/v2)')
    .addOption(
      new Option('--deribit-price <which>', 'index, the instrument’s mark, or the middle of its book').choices([
        'index',
        'mark',
        'middle',
      ]),
    )
    .option('--volatility-index <market=index...>', 'of Deribit’s, such as BTC-USD=btc_usd: the implied volatility')
    .option(
      '--options <market=currency...>',
      'of Deribit’s, such as BTC-USD=BTC: surfaces, and the implied volatility of 30 days',
    )
    .option('--recording <market=file...>', 'price files, with --recorded')
    .option('--speed <times>', 'of recordings (default: 1)', speedOf)
    .option('--price-units <market=count...>', 'units of the asset that providers’ prices are of (default: 1)')
    .option('--least-sources <count>', 'feeds that must have a price and agree (default: 1)', wholeNumber(1, 15))
    .option(
      '--max-deviation-bps <bps>',
      'of a price from the median, in 1/10,000 (default: 100)',
      wholeNumber(1, 9_999),
    )
    .option(
      '--every <seconds>',
      'between observations (default: the least spacing of the source)',
      wholeNumber(1, 3600),
    )
}

/** What flags come to. @throws usage errors; those of a file of feeds */
async function runOptionsOf(options: LiveOptions): Promise<Omit<RunFeedsOptions, 'signal' | 'onEvent'>> {
  const [{ feedFlagNames, feedsOfFlags }, { readFeedFile }] = await Promise.all([
    import('../feeds/feedFlags.ts'),
    import('../feeds/feedConfig.ts'),
  ])
  const {
    feeds,
    rpc,
    deployment,
    signerKeyFile = [],
    keyFile,
    dryRun,
    recorded: isRecorded = false,
    rounds,
    http,
    count,
  } = options
  const given = options as Readonly<Record<string, unknown>>
  const camel = (name: string): string => name.replace(/-[a-z]/g, (letters) => letters.slice(1).toUpperCase())
  if (feeds !== undefined)
    requireOptions(Object.fromEntries(feedFlagNames.map((name) => [name, given[camel(name)]])), { excludes: 'feeds' })
  const file = feeds === undefined ? feedsOfFlags(options) : readFeedFile(feeds)
  if (dryRun === true) {
    requireOptions(
      { rpc, deployment, 'signer-key-file': options.signerKeyFile, 'key-file': keyFile, rounds },
      { excludes: 'dry-run' },
    )
    return { file, isRecorded, http, count }
  }
  if (rpc === undefined) throw new OptionMissingError('rpc')
  if (deployment === undefined) throw new OptionMissingError('deployment')
  return { file, isRecorded, rounds, http, count, chain: { rpc, deployment, signerKeyFile, keyFile } }
}

function tell(terminal: Terminal, log: FeedLog, event: LiveEvent): void {
  if (!terminal.json) {
    const line = log.line(event)
    if (line !== undefined) terminal.say(line)
    return
  }
  const passedOver = log.passedOver(event)
  if (passedOver === undefined) return
  const more = passedOver === 0 ? {} : { passedOver }
  unlessUnwritable(() => terminal.result({ time: new Date().toISOString(), ...event, ...more }, ''))
}

function speedOf(text: string): Speed {
  if (text === 'max') return 'max'
  const speed = Number(text)
  if (!/^\d*\.?\d+$/.test(text) || !(speed >= 0.01 && speed <= 1_000_000))
    throw new InvalidArgumentError('Expected a number from 0.01 to 1000000, or max.')
  return speed
}
