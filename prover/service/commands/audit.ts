import type { Command } from 'commander'
import { action, addCommand, wholeNumber } from './command.ts'

type Options = {
  rpc?: string
  registry?: string
  deployment?: string
  fromBlock?: number
  bundle?: string
  out?: string
  keys?: string
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
    .option('--rpc <url>', 'node of the chain')
    .option('--registry <address>', 'registry to audit, of markets or of portfolios; which one is found out')
    .option('--deployment <file>', 'names registry, chain and first block instead')
    .option('--from-block <number>', 'block of the deployment, or an earlier one', wholeNumber(0))
    .option('--bundle <file>', 'audit this file without a chain')
    .option('-o, --out <file>', 'write a bundle that can be audited without a chain')
    .option('--keys <folder>', 'keys to trust, instead of the project’s own')
    .option('--claims', 'list the ids of the claims that each batch, market and model was judged by')
    .option('--html <file>', 'also write a page: the verdict, scores of shadows, promotions; of a registry of markets')
    .action(
      action<Options, []>(async (terminal, options) => {
        const [{ auditFromFile, auditFromChain }, { formatAudit, formatPortfolioAudit, exitCodeOf }] =
          await Promise.all([import('../answers/auditing.ts'), import('../../audit/index.ts')])
        const { bundle, rpc } = options
        const began = performance.now()
        const { report, pins } =
          bundle === undefined
            ? await auditFromChain({ ...options, rpc, say: terminal.say })
            : await auditFromFile(bundle, options)
        const telling = { showClaims: options.claims, pins, elapsedSeconds: (performance.now() - began) / 1000 }
        if (options.html !== undefined && !('kind' in report)) {
          const { writeAuditReport } = await import('../report/auditReport.ts')
          writeAuditReport(options.html, report, telling)
          terminal.say(`Pictures: ${options.html}`)
        }
        const { elapsedSeconds } = telling
        terminal.result(
          { ...report, pins, elapsedSeconds },
          'kind' in report ? formatPortfolioAudit(report, telling) : formatAudit(report, telling),
        )
        return exitCodeOf(report)
      }),
    )
}
