import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Command } from 'commander'
import { EXIT } from '../text/terminal.ts'
import { action, addCommand, positiveNumber, wholeNumber } from './command.ts'

type Options = { batches?: number; seconds?: number; report?: string; circle?: boolean }

export function addDemoCommand(program: Command): void {
  addCommand(
    program,
    'demo',
    'deploy, attest, prove, submit, read back and audit the crash of March 2020, here and now',
    ['demo', 'demo --batches 60 --seconds 600', 'demo --circle'],
  )
    .option('--batches <count>', 'most hours to prove (default 17)', wholeNumber(1))
    .option('--seconds <seconds>', 'begin no further proof after this time (default 28)', positiveNumber)
    .option('--circle', 'show the circle of venue, liquidation, hedge and lender, after building what it needs')
    .option('--no-circle', 'leave it out (by default it is shown where it is built)')
    .option('--report <file>', 'HTML report to write')
    .action(
      action<Options, []>(async (terminal, { batches, seconds, report, circle: wanted }) => {
        const [{ runDemo }, { formatProven, provenRows }, { circleJson }, { formatAudit }, { buildFolder }] =
          await Promise.all([
            import('../development/demo.ts'),
            import('../text/provenTable.ts'),
            import('../text/circleText.ts'),
            import('../../audit/index.ts'),
            import('../../config.ts'),
          ])
        const file = report ?? join(buildFolder, 'reports', 'demo.html')
        const result = await runDemo({
          batches,
          proveSeconds: seconds,
          report: file,
          circle: wanted,
          say: terminal.say,
        })
        const { steps, held, circle, audit } = result
        const text = [
          formatAudit(audit),
          formatProven(steps),
          ...(circle === undefined ? [] : ['The circle:', ...circle.lines.map((line) => `  ${line}`), '']),
          `Plots: ${pathToFileURL(file)}`,
          `${steps.length} batches proven, put in force, read back and audited in ${result.seconds.toFixed(0)} s.`,
        ]
        terminal.result(
          {
            ...{ parameters: provenRows(steps), held, audit, report: file, seconds: result.seconds },
            circle: circle === undefined ? null : circleJson(circle),
          },
          text.join('\n'),
        )
        return audit.accepted && circle?.accepted !== false ? EXIT.success : EXIT.failure
      }),
    )
}
