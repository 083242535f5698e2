import type { RpcAddress } from '../../registry/index.ts'
import type { Command } from 'commander'
import type { Telling } from '../../audit/index.ts'
import type { AnyAuditReport } from '../answers/auditing.ts'
import { requireOptions } from '../text/usageError.ts'
import { action, addCommand, wholeNumber, rpcAddresses } from './command.ts'

type Options = {
  rpc?: RpcAddress
  registry?: string
  deployment?: string
  fromBlock?: number
  bundle?: string
  out?: string
  keys?: string
  governor?: string[]
  leastDelay?: number
  trustCode?: string[]
  html?: string
  claims?: boolean
}

export function addAuditCommand(program: Command): void {
  addCommand(
    program,
    'audit',
    'recompute and re-verify everything, from a chain or from a bundle; exit 1 if a claim fails',
    [
      'audit --rpc http://127.0.0.1:8545 --deployment deployment.json -o audit.json',
      'audit --rpc http://127.0.0.1:8545 --registry 0x… --json',
      'audit --bundle audit.json --html audit.html',
      'audit --bundle audit.json --deployment deployment.json --claims',
    ],
  )
    .option('--rpc <url>', 'node of the chain', rpcAddresses)
    .option(
      '--registry <address>',
      'registry to audit, of markets, of portfolios or of margins over several markets; which one is found out',
    )
    .option('--deployment <file>', 'names registry of markets, chain and first block instead; margins by --registry')
    .option('--from-block <number>', 'block of the deployment, or an earlier one', wholeNumber(0))
    .option('--bundle <file>', 'audit this file without a chain')
    .option('-o, --out <file>', 'write a bundle that can be audited without a chain')
    .option('--keys <folder>', 'keys to trust, instead of the project’s own')
    .option('--governor <account...>', 'the only accounts that may govern: whoever else can set something is named')
    .option(
      '--least-delay <hours>',
      'how long whoever sets something must wait, instead of 48 outside development chains',
      wholeNumber(0),
    )
    .option('--trust-code <keccak256...>', 'hash of the code of a source that is not ours, and that you vouch for')
    .option('--claims', 'list the ids of the claims that each batch, market and model was judged by')
    .option(
      '--html <file>',
      'also write a page: the verdict, who governs and attests; scores of shadows, or margins leg by leg',
    )
    .action(
      action<Options, []>(async (terminal, options) => {
        const [{ auditFromFile, auditFromChain }, { exitCodeOf }] = await Promise.all([
          import('../answers/auditing.ts'),
          import('../../audit/index.ts'),
        ])
        const { bundle, rpc } = options
        if (bundle !== undefined)
          requireOptions({ rpc, 'from-block': options.fromBlock, out: options.out }, { excludes: 'bundle' })
        const began = performance.now()
        const { report, pins } =
          bundle === undefined
            ? await auditFromChain({ ...options, rpc, say: terminal.say })
            : await auditFromFile(bundle, options)
        const telling = { showClaims: options.claims, pins, elapsedSeconds: (performance.now() - began) / 1000 }
        if (options.html !== undefined) {
          await writePage(options.html, report, telling)
          terminal.say(`Pictures: ${options.html}`)
        }
        const { elapsedSeconds } = telling
        terminal.result({ ...report, pins, elapsedSeconds }, await textOf(report, telling))
        return exitCodeOf(report)
      }),
    )
}

async function textOf(report: AnyAuditReport, telling: Telling): Promise<string> {
  const { formatAudit, formatPortfolioAudit } = await import('../../audit/index.ts')
  if (!('kind' in report)) return formatAudit(report, telling)
  if (report.kind === 'portfolio') return formatPortfolioAudit(report, telling)
  return (await import('../../audit/portfolio/crossReport.ts')).formatCrossAudit(report, telling)
}

async function writePage(file: string, report: AnyAuditReport, telling: Telling): Promise<void> {
  if ('kind' in report)
    (await import('../report/portfolioAuditReport.ts')).writePortfolioAuditReport(file, report, telling)
  else (await import('../report/auditReport.ts')).writeAuditReport(file, report, telling)
}
