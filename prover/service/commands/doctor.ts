import type { RpcAddress } from '../../registry/index.ts'
import type { Command } from 'commander'
import type { Finding } from '../answers/findings.ts'
import { EXIT, reportError, type Terminal } from '../text/terminal.ts'
import { requireOptions } from '../text/usageError.ts'
import { action, addCommand, wholeNumber, rpcAddresses } from './command.ts'

type Options = {
  rpc?: RpcAddress
  deployment?: string
  registry?: string
  port?: number
  keys?: string
  store?: string
  database?: string
}

export function addDoctorCommand(program: Command): void {
  addCommand(program, 'doctor', 'say what is missing or wrong here and how to mend it; exit 1 if anything is', [
    'doctor',
    'doctor --rpc http://127.0.0.1:8545 --registry 0x…',
    'doctor --rpc http://127.0.0.1:8545 --deployment deployment.json',
  ])
    .addHelpText(
      'after',
      '\n--deployment asks the chain alone: who may do what there, after how long. Exit 1 if the deployer still has a role, or if\nsomebody may set something at once, development chains aside.',
    )
    .option('--rpc <url>', 'also ask this node for its chain', rpcAddresses)
    .option('--registry <address>', 'also look for the registry there')
    .option('--deployment <file>', 'examine this deployment instead of this machine; needs --rpc')
    .option('--port <number>', 'port that `zkrisk chain` would use', wholeNumber(0))
    .option('--keys <folder>', 'keys to check instead of the project’s own')
    .option('--store <file>', 'also look at this store of a service: its version, and what it holds')
    .option('--database <url>', 'also look at this Postgres')
    .action(
      action<Options, []>(async (terminal, options) => {
        const [{ examine }, { formatFindings, isFault }] = await Promise.all([
          import('../answers/doctor.ts'),
          import('../answers/findings.ts'),
        ])
        if (options.deployment !== undefined) return examineThere(terminal, options.rpc, options.deployment)
        if (options.rpc === undefined) requireOptions({ registry: options.registry }, { needs: 'rpc' })
        const findings = [...(await examine(options)), ...(await storesOf(options))]
        terminal.result(findings, formatFindings(findings))
        return findings.some(isFault) ? EXIT.failure : EXIT.success
      }),
    )
}

async function storesOf({ store, database }: Options): Promise<readonly Finding[]> {
  const places = [store === undefined ? [] : [{ store }], database === undefined ? [] : [{ database }]].flat()
  if (places.length === 0) return []
  const { examineStore } = await import('../answers/doctorStore.ts')
  return Promise.all(places.map(examineStore))
}

async function examineThere(terminal: Terminal, rpc: RpcAddress | undefined, file: string): Promise<number> {
  const [{ examineDeployment, formatRights, RpcMissingError }, { formatFindings, isFault }] = await Promise.all([
    import('../answers/doctorDeployment.ts'),
    import('../answers/findings.ts'),
  ])
  if (rpc === undefined) {
    reportError(terminal, new RpcMissingError())
    return EXIT.usage
  }
  const examined = await examineDeployment(rpc, file)
  terminal.result(examined, `${formatFindings(examined.findings)}\n${formatRights(examined)}`)
  return examined.findings.some(isFault) ? EXIT.failure : EXIT.success
}
