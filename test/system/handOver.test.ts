/** After a deployment: who can do what, by every function and everybody; the deployer can do nothing, the council everything after its delay, and the doctor says who may what. */
import { join } from 'node:path'
import { Contract, type FunctionFragment, ParamType, Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pack } from '../../prover/statement/words.ts'
import { type Deployment, interfaceOf } from '../../prover/registry/index.ts'
import { type ContractName, contractSources } from '../../prover/registry/artifacts.ts'
import {
  adminFunctions,
  CANCELLER_ROLE,
  COUNCIL_ROLE,
  type Holder,
  readAuthority,
  type RestrictedContract,
  restrictedFunctions,
} from '../../prover/registry/authority.ts'
import { openPlan } from '../../prover/service/answers/deploying.ts'
import { isFault } from '../../prover/service/answers/findings.ts'
import { examineDeployment, governanceFindings, governedBy } from '../../prover/service/answers/doctorDeployment.ts'
import { expectRevert, revertDataOf } from '../reverts.ts'
import { temporaryFolder, zkrisk } from '../service/zkrisk.ts'
import { type Cast, castOn, configOf, deployArgs, type OtherChain, startOtherChain } from './deployed.ts'

const HOURS_48 = 172_800
const contractNames = Object.keys(contractSources) as ContractName[]
const stranger = new Wallet(`0x${'5a'.repeat(32)}`)
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

const addressOf = (contract: RestrictedContract): string =>
  governedBy(deployment).find((each) => each.contract === contract)?.address ?? ''
const connected = (who: Wallet): Wallet => (who.provider === null ? who.connect(chain.provider) : who)
const contractAs = (contract: RestrictedContract, who: Wallet): Contract =>
  new Contract(addressOf(contract), interfaceOf(contract), connected(who))
const councilAs = (who: Wallet): Contract =>
  new Contract(deployment.addresses.council, interfaceOf('RiskCouncil'), connected(who))

/** Arguments of the right shape, all zero: the right to call is looked at first. */
const zeroOf = ({ type, components }: ParamType): unknown => {
  const size = /\[(\d*)\]$/.exec(type)
  if (size !== null) {
    const element = ParamType.from({ type: type.replace(/\[\d*\]$/, ''), components: components ?? [] })
    return Array.from({ length: Number(size[1] || 0) }, () => zeroOf(element))
  }
  if (components !== null && type === 'tuple') return components.map(zeroOf)
  if (type === 'address') return `0x${'0'.repeat(40)}`
  if (type === 'bool') return false
  if (type === 'bytes') return '0x'
  return /^bytes\d/.test(type) ? `0x${'00'.repeat(Number(type.slice(5)))}` : type === 'string' ? '' : 0n
}
const zeros = (contract: ContractName, method: string): readonly unknown[] =>
  (interfaceOf(contract).getFunction(method)?.inputs ?? []).map(zeroOf)
/** Contracts that a deployment has; a venue of several markets sets up its own registry beside it. */
const deployedContracts = (Object.keys(restrictedFunctions) as RestrictedContract[]).filter(
  (contract) => contract !== 'CrossMarginRegistry',
)
const everyFunction = deployedContracts.flatMap((contract) =>
  Object.entries<Holder>(restrictedFunctions[contract]).map(([method, holder]) => [contract, method, holder] as const),
)

/** Name of the error that a call ends with, of any of our contracts; 'none' if it goes through. */
async function outcomeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'none'
  } catch (error) {
    const data = revertDataOf(error)
    const parsed = contractNames.map((name) => interfaceOf(name).parseError(data ?? '0x')).find((each) => each !== null)
    return parsed?.name ?? `unknown ${data}`
  }
}
const isDenied = (outcome: string): boolean =>
  /^AccessManage.*(Unauthorized|NotReady|NotScheduled|Expired)/.test(outcome)

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
})

/** Who, when: what a call of a function ends with. */
type Part = 'deployer' | 'council' | 'guardian' | 'canceller' | 'stranger'
const parts: readonly Part[] = ['deployer', 'council', 'guardian', 'canceller', 'stranger']
const walletOf = (part: Part): Wallet => (part === 'stranger' ? stranger : cast[part])

describe('R42: every restricted function, by everybody, at once, after the delay and cancelled', () => {
  it('has a row in the table, and the table no row besides: what the artifacts have is asked of the chain', async () => {
    const isGoverned = (name: ContractName): boolean => interfaceOf(name).getFunction('setAuthority') !== null
    // What only knows scales besides has the functions of what does not.
    const scaled = { ScaledFeed: 'AttestedFeed', ScaledRounds: 'AttestedRounds' } as const
    const changing = (name: ContractName): readonly string[] =>
      interfaceOf(name).fragments.flatMap((each) =>
        each.type === 'function' && (each as FunctionFragment).stateMutability === 'nonpayable' ? [each.format()] : [],
      )
    for (const [name, plain] of Object.entries(scaled) as [ContractName, ContractName][]) {
      expect(changing(name).toSorted()).toEqual(changing(plain).toSorted())
    }
    // What no deployment of ours makes: whoever deploys it gives its functions to whom they are for.
    const undeployed: readonly ContractName[] = ['OptionsVenue', 'HedgingAgent']
    expect(undeployed.every(isGoverned)).toBe(true)
    const governed = contractNames.filter((name) => isGoverned(name) && !(name in scaled) && !undeployed.includes(name))
    expect(governed.toSorted()).toEqual(Object.keys(restrictedFunctions).toSorted())
    for (const contract of deployedContracts) {
      const found: string[] = []
      interfaceOf(contract).forEachFunction(({ name, stateMutability }) => {
        if (stateMutability === 'nonpayable' && name !== 'setAuthority') found.push(name)
      })
      const restricted: string[] = []
      for (const name of found) {
        const call = contractAs(contract, stranger).getFunction(name)
        const outcome = await outcomeOf(call.staticCall(...zeros(contract, name)))
        if (outcome === 'AccessManagedUnauthorized') restricted.push(name)
      }
      expect([contract, restricted.toSorted()]).toEqual([
        contract,
        Object.keys(restrictedFunctions[contract]).toSorted(),
      ])
      expect(found.length).toBeGreaterThan(restricted.length - 1)
    }
  })

  it.each(everyFunction)('%s.%s', async (contract, method, holder) => {
    const data = interfaceOf(contract).encodeFunctionData(method, [...zeros(contract, method)])
    for (const part of parts) {
      const at = await outcomeOf(
        contractAs(contract, walletOf(part))
          .getFunction(method)
          .staticCall(...zeros(contract, method)),
      )
      const mayAtOnce =
        holder === 'guardian' ? part === 'guardian' || part === 'council' : holder === 'venue' && part === 'guardian'
      const waits = holder === 'council' && part === 'council'
      if (mayAtOnce) expect([part, isDenied(at)]).toEqual([part, false])
      else expect([part, at]).toEqual([part, waits ? 'AccessManagerNotScheduled' : 'AccessManagedUnauthorized'])
      const scheduled = await outcomeOf(
        councilAs(walletOf(part)).getFunction('schedule').staticCall(addressOf(contract), data, 0),
      )
      expect([part, scheduled]).toEqual([part, waits ? 'none' : 'AccessManagerUnauthorizedCall'])
    }
    if (holder === 'council') await scheduledAndCancelled(addressOf(contract), data, 'canceller')
  })

  const administered = [...adminFunctions.cancellable, ...adminFunctions.revoking]
  it.each(administered)('RiskCouncil.%s', async (method) => {
    const { council } = deployment.addresses
    const data = interfaceOf('RiskCouncil').encodeFunctionData(method, [...zeros('RiskCouncil', method)])
    for (const part of parts) {
      const at = await outcomeOf(
        councilAs(walletOf(part))
          .getFunction(method)
          .staticCall(...zeros('RiskCouncil', method)),
      )
      expect([part, at]).toEqual([
        part,
        part === 'council' ? 'AccessManagerNotScheduled' : 'AccessManagerUnauthorizedAccount',
      ])
    }
    await scheduledAndCancelled(council, data, method === 'revokeRole' ? 'guardian' : 'canceller')
  })

  it('lists what the council has: no function of it that asks for an administrator is missing', () => {
    const ours = new Set<string>(administered)
    const everybodys = ['cancel', 'consumeScheduledOp', 'execute', 'multicall', 'renounceRole', 'schedule']
    const found: string[] = []
    interfaceOf('RiskCouncil').forEachFunction(({ name, stateMutability }) => {
      if (!['view', 'pure'].includes(stateMutability)) found.push(name)
    })
    expect(found.filter((name) => !ours.has(name)).toSorted()).toEqual(everybodys)
  })
})

/** Not a second before its delay, not at all once it is cancelled, and who may cancel it. */
async function scheduledAndCancelled(target: string, data: string, canceller: Part): Promise<void> {
  const asCouncil = councilAs(cast.council)
  await undone(async () => {
    const receipt = await (await asCouncil.getFunction('schedule')(target, data, 0)).wait()
    const { timestamp } = await receipt.getBlock()
    const execute = () => outcomeOf(asCouncil.getFunction('execute').staticCall(target, data))
    expect(await execute()).toBe('AccessManagerNotReady')
    for (const part of parts) {
      const cancel = councilAs(walletOf(part)).getFunction('cancel').staticCall(cast.council.address, target, data)
      const may = part === 'council' || part === canceller
      expect([part, await outcomeOf(cancel)]).toEqual([part, may ? 'none' : 'AccessManagerUnauthorizedCancel'])
    }
    await undone(async () => {
      await setTime(timestamp + HOURS_48 - 1)
      expect(await execute()).toBe('AccessManagerNotReady')
      await setTime(timestamp + HOURS_48)
      expect(isDenied(await execute())).toBe(false)
    })
    await (await councilAs(walletOf(canceller)).getFunction('cancel')(cast.council.address, target, data)).wait()
    await setTime(timestamp + HOURS_48 + 1)
    expect(await execute()).toBe('AccessManagerNotScheduled')
  })
}

async function setTime(timestamp: number): Promise<void> {
  await chain.provider.send('evm_setNextBlockTimestamp', [`0x${timestamp.toString(16)}`])
  await chain.provider.send('evm_mine', [])
}

describe('R42: of council, guardian and canceller any one key may be stolen', () => {
  const code = interfaceOf('RiskCouncil')
  const cancelledBy = async (who: Wallet, data: string): Promise<string> => {
    const { council } = deployment.addresses
    await (await councilAs(cast.council).getFunction('schedule')(council, data, 0)).wait()
    return outcomeOf(councilAs(who).getFunction('cancel').staticCall(cast.council.address, council, data))
  }

  it('the council’s: what it schedules is cancelled, also that the canceller goes', async () => {
    await undone(async () => {
      const goes = code.encodeFunctionData('revokeRole', [CANCELLER_ROLE, cast.canceller.address])
      expect(await cancelledBy(cast.guardian, goes)).toBe('none')
      const comes = code.encodeFunctionData('grantRole', [0n, stranger.address, 0])
      expect(await cancelledBy(cast.canceller, comes)).toBe('none')
    })
  })

  it('the canceller’s: it cannot cancel its own removal', async () => {
    await undone(async () => {
      const { council } = deployment.addresses
      const goes = code.encodeFunctionData('revokeRole', [CANCELLER_ROLE, cast.canceller.address])
      expect(await cancelledBy(cast.canceller, goes)).toBe('AccessManagerUnauthorizedCancel')
      await chain.later(HOURS_48)
      await (await councilAs(cast.council).getFunction('execute')(council, goes)).wait()
      const policy = interfaceOf('RiskRegistry').encodeFunctionData('setMarginPolicy', [0n])
      expect(await cancelledBy(cast.canceller, policy)).toBe('AccessManagerUnauthorizedCancel')
    })
  })

  it('the guardian’s: it cannot cancel that pausing is given to another role', async () => {
    await undone(async () => {
      const { registry } = deployment.addresses
      const selectors = [interfaceOf('RiskRegistry').getFunction('pause')?.selector]
      const moved = code.encodeFunctionData('setTargetFunctionRole', [registry, selectors, 9n])
      expect(await cancelledBy(cast.guardian, moved)).toBe('AccessManagerUnauthorizedCancel')
      await chain.later(HOURS_48)
      await (await councilAs(cast.council).getFunction('execute')(deployment.addresses.council, moved)).wait()
      const registryAs = contractAs('RiskRegistry', cast.guardian)
      const pause = registryAs.getFunction('pause').staticCall(...zeros('RiskRegistry', 'pause'))
      expect(await outcomeOf(pause)).toBe('AccessManagedUnauthorized')
    })
  })
})

describe('R40: zkrisk doctor --deployment', () => {
  it('says who may do what, after how long', async () => {
    const { stdout, code } = await zkrisk('doctor', '--rpc', chain.rpc, '--deployment', file, '--json')
    expect(code).toBe(0)
    const { findings, rights, deployers } = JSON.parse(stdout)
    expect(findings.every(({ status }: { status: string }) => status === 'ok')).toBe(true)
    expect(deployers).toEqual([cast.deployer.address])
    const waits = (account: string, delayHours: number) => ({ account, delayHours })
    const council = waits(cast.council.address, 48)
    for (const [contract, method, holder] of everyFunction) {
      const right = rights.find(
        (each: { contract: string; method: string }) => each.contract === contract && each.method === method,
      )
      const [one, another] = [waits(cast.council.address, 0), waits(cast.guardian.address, 0)]
      const accounts = { council: [council], guardian: [one, another], venue: [another] }[holder]
      expect([method, right.accounts, right.anybody]).toEqual([method, accounts, false])
      if (holder === 'council') expect([method, right.cancellers]).toEqual([method, [cast.canceller.address]])
    }
    const table = await zkrisk('doctor', '--rpc', chain.rpc, '--deployment', file)
    expect(table.stdout).toMatch(
      new RegExp(
        `RiskRegistry.setMarginPolicy +council +${cast.council.address} after 48 h +${cast.canceller.address}`,
      ),
    )
  })

  it('finds a member that waits less than 48 hours, a function that is open, and a deployer that came back', async () => {
    const { council } = deployment.addresses
    const code = interfaceOf('RiskCouncil')
    const newcomer = `0x${'ab'.repeat(20)}`
    const found = async () => {
      const contracts = governedBy(deployment)
      const authority = await readAuthority(chain.provider, { council, contracts, fromBlock: deployment.block })
      return governanceFindings(authority, false)
        .filter(isFault)
        .map(({ check }) => check)
    }
    expect(await found()).toEqual([])
    const grant = (role: bigint, account: string, delay: number) =>
      execute(council, code.encodeFunctionData('grantRole', [role, account, delay]))
    await undone(async () => {
      await grant(COUNCIL_ROLE, newcomer, HOURS_48)
      expect(await found()).toEqual([])
      await grant(COUNCIL_ROLE, newcomer, HOURS_48 - 1)
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
      expect(await found()).toEqual(expect.arrayContaining(['RiskCouncil.grantRole of guardian']))
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
