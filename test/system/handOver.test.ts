/** After a deployment: the deployer can do nothing, the council everything after its delay, and the doctor says who may what. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Contract, type Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pack } from '../../prover/statement/words.ts'
import { type Deployment, interfaceOf } from '../../prover/registry/index.ts'
import { restrictedFunctions, type RestrictedContract, readAuthority } from '../../prover/registry/authority.ts'
import { openPlan } from '../../prover/service/answers/deploying.ts'
import { examineDeployment, governanceFindings } from '../../prover/service/answers/doctorDeployment.ts'
import { filesBelow, root } from '../../scripts/tools/sources.ts'
import { expectRevert } from '../reverts.ts'
import { temporaryFolder, zkrisk } from '../service/zkrisk.ts'
import { type Cast, castOn, configOf, deployArgs, type OtherChain, startOtherChain } from './deployed.ts'

const HOURS_48 = 172_800
const folder = temporaryFolder()
const file = join(folder, 'deployment.json')

let chain: OtherChain
let cast: Cast
let deployment: Deployment

beforeAll(async () => {
  chain = await startOtherChain(1337)
  cast = await castOn(chain)
  const rounds = { signers: cast.signers.map(({ address }) => address), threshold: 2 }
  const portfolio = { market: 'BTC-USD', rounds, venue: cast.guardian.address }
  deployArgs(folder, chain, cast, configOf(1337, cast, { portfolio, markets: [] }))
  const place = { config: join(folder, 'deploy.json'), keyFile: join(folder, 'deployer.key'), deployment: file }
  const plan = await openPlan({ ...place, rpc: chain.rpc })
  deployment = (await plan.carryOut(() => {})).deployment
  plan.close()
})
afterAll(() => chain.close())

const addressOf = (contract: RestrictedContract): string => {
  const { modelRegistry, registry } = deployment.addresses
  return {
    ModelRegistry: modelRegistry,
    RiskRegistry: registry,
    PortfolioRegistry: deployment.portfolio?.registry ?? '',
  }[contract]
}
const contractAs = (contract: RestrictedContract, who: Wallet): Contract =>
  new Contract(addressOf(contract), interfaceOf(contract), who)
const councilAs = (who: Wallet): Contract => new Contract(deployment.addresses.council, interfaceOf('RiskCouncil'), who)

/** Arguments of the right shape, all zero: the right to call is looked at first. */
const zeroOf = (type: string, components: readonly { type: string }[] | null): unknown => {
  const size = /\[(\d*)\]$/.exec(type)
  if (size !== null)
    return Array.from({ length: Number(size[1] || 0) }, () => zeroOf(type.replace(/\[\d*\]$/, ''), components))
  if (components !== null) return components.map((each) => zeroOf(each.type, null))
  if (type === 'address') return `0x${'0'.repeat(40)}`
  if (type === 'bool') return false
  return /^bytes\d/.test(type) ? `0x${'00'.repeat(Number(type.slice(5)))}` : 0n
}
const zeros = (contract: RestrictedContract, method: string): readonly unknown[] =>
  (interfaceOf(contract).getFunction(method)?.inputs ?? []).map(({ type, components }) =>
    zeroOf(type, components as readonly { type: string }[] | null),
  )
const everyFunction = (Object.keys(restrictedFunctions) as RestrictedContract[]).flatMap((contract) =>
  restrictedFunctions[contract].map((method) => [contract, method] as const),
)

/** Runs a body and puts the chain back to where it was. */
async function undone(body: () => Promise<void>): Promise<void> {
  const snapshot = await chain.provider.send('evm_snapshot', [])
  await body()
  await chain.provider.send('evm_revert', [snapshot])
}

/** What the council does after its delay. */
async function execute(target: string, calldata: string): Promise<void> {
  await (await councilAs(cast.council).getFunction('schedule')(target, calldata, 0)).wait()
  await chain.later(HOURS_48)
  await (await councilAs(cast.council).getFunction('execute')(target, calldata)).wait()
}

describe('R40: the deployer', () => {
  it('may call no restricted function of any contract', async () => {
    for (const [contract, method] of everyFunction) {
      const call = contractAs(contract, cast.deployer)
        .getFunction(method)
        .staticCall(...zeros(contract, method))
      const target = contractAs(contract, cast.deployer)
      await expectRevert(call, target, 'AccessManagedUnauthorized', [cast.deployer.address])
    }
  })

  it('may change nothing of the council, nor schedule or execute anything', async () => {
    const { deployer } = cast
    const council = councilAs(deployer)
    const { registry } = deployment.addresses
    const selector = interfaceOf('RiskRegistry').getFunction('setMarginPolicy')?.selector
    const refused = (method: string, ...args: readonly unknown[]) =>
      expectRevert(council.getFunction(method).staticCall(...args), council, 'AccessManagerUnauthorizedAccount', [
        deployer.address,
        0n,
      ])
    await refused('grantRole', 0n, deployer.address, 0n)
    await refused('grantRole', 1n, deployer.address, 0n)
    await refused('revokeRole', 0n, cast.council.address)
    await refused('setTargetFunctionRole', registry, [selector], 1n)
    await refused('setTargetClosed', registry, true)
    await refused('setTargetAdminDelay', registry, 0n)
    await refused('setRoleAdmin', 1n, 2n)
    await refused('setRoleGuardian', 1n, 2n)
    await refused('setGrantDelay', 0n, 0n)
    await refused('labelRole', 1n, 'mine')
    await refused('updateAuthority', registry, deployer.address)
    const calldata = interfaceOf('RiskRegistry').encodeFunctionData('setMarginPolicy', [0n])
    for (const call of [
      ['schedule', registry, calldata, 0n],
      ['execute', registry, calldata],
    ] as const) {
      const [method, ...args] = call
      const sent = council.getFunction(method).staticCall(...args)
      await expectRevert(sent, council, 'AccessManagerUnauthorizedCall', [deployer.address, registry, selector])
    }
  })

  it('cannot cancel what the council has scheduled', async () => {
    await undone(async () => {
      const { registry } = deployment.addresses
      const calldata = interfaceOf('RiskRegistry').encodeFunctionData('setMarginPolicy', [0n])
      await (await councilAs(cast.council).getFunction('schedule')(registry, calldata, 0)).wait()
      const asDeployer = councilAs(cast.deployer)
      const cancel = asDeployer.getFunction('cancel').staticCall(cast.council.address, registry, calldata)
      await expectRevert(cancel, asDeployer, 'AccessManagerUnauthorizedCancel')
      await councilAs(cast.council).getFunction('cancel').staticCall(cast.council.address, registry, calldata)
    })
  })
})

describe('R40: the council', () => {
  it('sets a policy 48 hours after it has scheduled it, not a second sooner, and never at once', async () => {
    await undone(async () => {
      const registry = contractAs('RiskRegistry', cast.council)
      const { margin } = deployment.policy
      const word = pack('marginPolicy', { ...margin, impliedWeightX10: margin.impliedWeightX10 - 1n })
      const calldata = interfaceOf('RiskRegistry').encodeFunctionData('setMarginPolicy', [word])
      const council = councilAs(cast.council)
      const direct = registry.getFunction('setMarginPolicy').staticCall(word)
      await expectRevert(direct, council, 'AccessManagerNotScheduled')
      const scheduled = await (await council.getFunction('schedule')(registry.target, calldata, 0)).wait()
      const { timestamp } = await scheduled.getBlock()
      const executeAt = async (time: number) => {
        await chain.provider.send('evm_setNextBlockTimestamp', [`0x${time.toString(16)}`])
        return council.getFunction('execute')(registry.target, calldata, { gasLimit: 500_000n })
      }
      const early = await executeAt(timestamp + HOURS_48 - 1)
        .then((sent) => sent.wait())
        .then(
          () => 'mined',
          () => 'refused',
        )
      expect(early).toBe('refused')
      expect(await registry.getFunction('marginPolicy')()).toBe(pack('marginPolicy', margin))
      await (await executeAt(timestamp + HOURS_48)).wait()
      expect(await registry.getFunction('marginPolicy')()).toBe(word)
    })
  })

  it('and the guardian disable a model at once; the guardian may nothing else', async () => {
    const [model] = deployment.models
    for (const who of [cast.council, cast.guardian])
      await contractAs('ModelRegistry', who).getFunction('disable').staticCall(model?.modelId)
    for (const [contract, method] of everyFunction) {
      if (method === 'disable' || method === 'reportAccount') continue // the guardian of these tests is the venue as well
      const target = contractAs(contract, cast.guardian)
      const call = target.getFunction(method).staticCall(...zeros(contract, method))
      await expectRevert(call, target, 'AccessManagedUnauthorized', [cast.guardian.address])
    }
  })
})

describe('R40: zkrisk doctor --deployment', () => {
  it('lists every restricted function that the contracts have', () => {
    const sources = filesBelow('contracts', '.sol').map((path) => readFileSync(join(root, path), 'utf8'))
    const restricted = sources.flatMap((text) =>
      [...text.matchAll(/function (\w+)\([^)]*\)[^{;]*\brestricted\b/g)].map(([, name = '']) => name),
    )
    expect(restricted.toSorted()).toEqual(everyFunction.map(([, method]) => method).toSorted())
  })

  it('says who may do what, after how long', async () => {
    const { stdout, code } = await zkrisk('doctor', '--rpc', chain.rpc, '--deployment', file, '--json')
    expect(code).toBe(0)
    const { findings, rights, deployers } = JSON.parse(stdout)
    expect(findings.every(({ status }: { status: string }) => status === 'ok')).toBe(true)
    expect(deployers).toEqual([cast.deployer.address])
    const waits = (account: string, delayHours: number) => ({ account, delayHours })
    const council = waits(cast.council.address, 48)
    for (const [contract, method] of everyFunction) {
      const right = rights.find(
        (each: { contract: string; method: string }) => each.contract === contract && each.method === method,
      )
      const accounts =
        method === 'disable'
          ? [waits(cast.council.address, 0), waits(cast.guardian.address, 0)]
          : [method === 'reportAccount' ? waits(cast.guardian.address, 0) : council]
      expect([method, right.accounts, right.anybody]).toEqual([method, accounts, false])
    }
    const table = await zkrisk('doctor', '--rpc', chain.rpc, '--deployment', file)
    expect(table.stdout).toMatch(new RegExp(`RiskRegistry.setMarginPolicy +admin +${cast.council.address} after 48 h`))
  })

  it('finds a member that waits less than 48 hours, a function that is open, and a deployer that came back', async () => {
    const { council } = deployment.addresses
    const code = interfaceOf('RiskCouncil')
    const stranger = `0x${'ab'.repeat(20)}`
    const found = async () => {
      const contracts = {
        RiskRegistry: deployment.addresses.registry,
        ModelRegistry: deployment.addresses.modelRegistry,
      }
      const authority = await readAuthority(chain.provider, { council, contracts, fromBlock: deployment.block })
      return governanceFindings(authority, false)
        .filter(({ status }) => status === 'missing')
        .map(({ check }) => check)
    }
    expect(await found()).toEqual([])
    const grant = (role: bigint, account: string, delay: number) =>
      execute(council, code.encodeFunctionData('grantRole', [role, account, delay]))
    await undone(async () => {
      await grant(0n, stranger, HOURS_48)
      expect(await found()).toEqual([])
      await grant(0n, stranger, HOURS_48 - 1)
      expect(await found()).toContain('RiskRegistry.setMarginPolicy')
      expect((await examineDeployment(chain.rpc, file)).findings.map(({ status }) => status)).toContain('warning')
    })
    await undone(async () => {
      const selectors = [interfaceOf('RiskRegistry').getFunction('setMarginPolicy')?.selector]
      const open = [deployment.addresses.registry, selectors, 2n ** 64n - 1n]
      await execute(council, code.encodeFunctionData('setTargetFunctionRole', open))
      expect(await found()).toEqual(['RiskRegistry.setMarginPolicy'])
    })
    await undone(async () => {
      await grant(1n, cast.deployer.address, 0)
      expect(await found()).toEqual(['deployer'])
    })
    await undone(async () => {
      // Whoever may grant the guardian's role may have others stop every model: that wants a delay as well.
      await execute(council, code.encodeFunctionData('setRoleAdmin', [1n, 1n]))
      expect(await found()).toEqual(['RiskCouncil.grantRole, revokeRole of guardian'])
    })
    await undone(async () => {
      await execute(council, code.encodeFunctionData('updateAuthority', [deployment.addresses.registry, council]))
      expect(await found()).toEqual([])
      await execute(
        council,
        code.encodeFunctionData('updateAuthority', [deployment.addresses.registry, deployment.addresses.modelRegistry]),
      )
      expect(await found()).toContain('RiskRegistry')
    })
  })
})
