import type { RpcAddress } from '../../registry/index.ts'
import { type Command, InvalidArgumentError } from 'commander'
import { EXIT } from '../text/terminal.ts'
import { action, addCommand, rpcAddresses } from './command.ts'
import { requireOptions, UsageError } from '../text/usageError.ts'

type BatchOptions = { rpc: RpcAddress; deployment: string; out: string; model?: string; keys?: string }
type ProveOptions = { out: string; deployment?: string; keys?: string }
type VerifyOptions = {
  keys?: string
  unpinned?: boolean
  chainId?: string
  registry?: string
  account?: string
  round?: string
}
type SubmitOptions = { rpc: RpcAddress; deployment?: string; keyFile?: string }

export function addProofCommands(program: Command): void {
  addCommand(program, 'batch', 'write the next batch that a registry would take, as input of `prove`', [
    'batch --rpc http://127.0.0.1:8545 --deployment deployment.json -o batch.json',
  ])
    .requiredOption('--rpc <url>', 'node of the chain', rpcAddresses)
    .requiredOption('--deployment <file>', 'where the engine lives')
    .requiredOption('-o, --out <file>', 'batch to write')
    .option(
      '--model <build>',
      'marketRiskRange6x2 (live), marketRiskRange1x48 (catch-up), or a build of the model that its markets are bound to',
    )
    .option('--keys <folder>', 'keys, instead of the project’s own')
    .action(
      action<BatchOptions, []>(async (terminal, { rpc, deployment, out, model, keys }) => {
        const { describeBatch, writeNextBatch } = await import('../answers/proofFlows.ts')
        const { names, leftOut } = await writeNextBatch({ rpc, deployment, out, model, keys })
        terminal.result({ written: out, markets: names, leftOut }, describeBatch(names, leftOut, out))
      }),
    )

  addCommand(program, 'prove <batch>', 'prove a batch and write a proof bundle, or nothing', [
    'prove batch.json --deployment deployment.json -o bundle.json',
  ])
    .requiredOption('-o, --out <file>', 'bundle to write')
    .option('--deployment <file>', 'supplies chain, registry and policy, and the markets and models that exist')
    .option('--keys <folder>', 'keys, instead of the project’s own')
    .action(
      action<ProveOptions, [string]>(async (terminal, { out, deployment, keys }, batch) => {
        const { proveFile } = await import('../answers/proofFlows.ts')
        const { names, timings } = await proveFile(batch, { out, deployment, keys, say: terminal.say })
        const seconds = (timings.total / 1000).toFixed(1)
        terminal.result(
          { written: out, markets: names, timings },
          `${names.join(', ')}: proven in ${seconds} s, ${out}`,
        )
      }),
    )

  addCommand(
    program,
    'verify <bundle>',
    'check every claim of a bundle, of a batch or a margin, without a chain; exit 1 if one fails or no key is pinned',
    [
      'verify bundle.json',
      'verify bundle.json --chain-id 31337 --registry 0x…',
      'verify margin.json --account 0x… --round 0x…',
    ],
  )
    .option('--keys <folder>', 'keys to pin, instead of the project’s own')
    .option(
      '--unpinned',
      'take the verification key from the bundle: shows only that it agrees with itself, and ends with 1',
    )
    .option('--chain-id <id>', 'chain that it must be for', chainIdTyped)
    .option('--registry <address>', 'registry that it must be for')
    .option('--account <address>', 'account that a margin must be of')
    .option('--round <id>', 'round that a margin must be of')
    .action(
      action<VerifyOptions, [string]>(async (terminal, options, file) => {
        const { formatMarginVerdict, isMarginBundle, marginVerdictJson, verifyMarginFile } = await import(
          '../answers/marginVerdicts.ts'
        )
        if (options.unpinned === true) requireOptions({ keys: options.keys }, { excludes: 'unpinned' })
        if (await isMarginBundle(file)) {
          const verdict = await verifyMarginFile(file, options)
          terminal.result(marginVerdictJson(verdict), formatMarginVerdict(verdict))
          return verdict.valid ? EXIT.success : EXIT.failure
        }
        const { account, round } = options
        if (account !== undefined || round !== undefined)
          throw new MarginOptionError(account === undefined ? 'round' : 'account')
        const { formatVerdict, verifyFile } = await import('../answers/proofFlows.ts')
        const verdict = await verifyFile(file, options)
        terminal.result(verdict, formatVerdict(verdict))
        return verdict.valid ? EXIT.success : EXIT.failure
      }),
    )

  addCommand(program, 'submit <bundle>', 'send a bundle to its registry; a second time does nothing', [
    'submit bundle.json --rpc http://127.0.0.1:8545 --deployment deployment.json --key-file prover.key',
  ])
    .requiredOption('--rpc <url>', 'node of the chain', rpcAddresses)
    .option('--deployment <file>', 'where the engine lives that the bundle must be for; the bundle names it otherwise')
    .option('--key-file <file>', 'private key that pays; by default the variable ZKRISK_KEY')
    .action(
      action<SubmitOptions, [string]>(async (terminal, options, file) => {
        const { describeSubmitted, submitFile } = await import('../answers/proofFlows.ts')
        const submitted = await submitFile(file, options)
        terminal.result(submitted, describeSubmitted(submitted))
      }),
    )
}

function chainIdTyped(text: string): string {
  if (!/^[1-9]\d{0,17}$/.test(text)) throw new InvalidArgumentError("Expected a chain's number, such as 1 or 31337.")
  return text
}

/** An option of margin bundles was given for a batch's. */
export class MarginOptionError extends UsageError {
  readonly code = 'service.margin-option'
  readonly option: string

  constructor(option: string) {
    super(`--${option} is for margin bundles, this is the bundle of a batch. Leave it out.`)
    this.option = option
  }
}
