// Deploys OwnVenue.sol beside a deployment, gives it the venue's role, and calls it. Takes a command and reads deployment.json,
// council.key and the portfolio that is named; RPC_URL names another node than the one of `zkrisk chain`.
import { readFileSync, writeFileSync } from 'node:fs'
import { Contract, ContractFactory, encodeBytes32String, formatUnits, Interface, JsonRpcProvider, Wallet } from 'ethers'
import solc from 'solc'
import { marginOf, readAccount } from 'zk-risk-engine'
import { portfolioRegistryAbi, riskCouncilAbi, riskRegistryAbi } from 'zk-risk-engine/abi'
import { pack } from 'zk-risk-engine/prover'

const [command, file] = process.argv.slice(2)
const { addresses, portfolio } = JSON.parse(readFileSync('deployment.json', 'utf8'))
const provider = new JsonRpcProvider(process.env.RPC_URL ?? 'http://127.0.0.1:8545', undefined, { cacheTimeout: -1 })
const signer = new Wallet(readFileSync('council.key', 'utf8').trim(), provider)

function compile() {
  const input = {
    language: 'Solidity',
    sources: { 'OwnVenue.sol': { content: readFileSync('OwnVenue.sol', 'utf8') } },
    settings: {
      optimizer: { enabled: true },
      evmVersion: 'cancun',
      outputSelection: { '*': { OwnVenue: ['abi', 'evm.bytecode.object'] } },
    },
  }
  const fromModules = (path) => ({ contents: readFileSync(`node_modules/${path}`, 'utf8') })
  const { errors = [], contracts } = JSON.parse(solc.compile(JSON.stringify(input), { import: fromModules }))
  for (const { severity, formattedMessage } of errors) if (severity === 'error') throw new Error(formattedMessage)
  return contracts['OwnVenue.sol'].OwnVenue
}

async function deploy() {
  const { abi, evm } = compile()
  const factory = new ContractFactory(abi, evm.bytecode.object, signer)
  const venue = await factory.deploy(addresses.registry, portfolio.registry, encodeBytes32String(portfolio.market))
  await venue.waitForDeployment()
  writeFileSync('venue.json', JSON.stringify({ abi, address: await venue.getAddress() }))
  // begin: role
  const council = new Contract(addresses.council, riskCouncilAbi, signer)
  const { selector } = new Contract(portfolio.registry, portfolioRegistryAbi).reportAccount.fragment
  const role = await council.getTargetFunctionRole(portfolio.registry, selector)
  await (await council.grantRole(role, await venue.getAddress(), 0)).wait()
  // end: role
  writeFileSync('key.txt', await venue.keyOf(signer.address, 0))
  return { gasUsed: (await venue.deploymentTransaction().wait()).gasUsed }
}

/** What a portfolio holds, as words that contracts read. */
async function reportOf(path) {
  const { provable } = await marginOf(readAccount(path, {}))
  const { cashE12, perpsE12, perpPnlE12, collateralsE12 } = provable.account.holdings
  if (collateralsE12.some((amount) => amount !== 0n)) throw new Error('This example takes no collateral but cash.')
  const positions = provable.positions.map((position) => pack('optionPosition', position))
  return [positions, pack('holdings', { cashE12, perpsE12, perpPnlE12 }), [0n, 0n, 0n, 0n]]
}

const venueFile = () => JSON.parse(readFileSync('venue.json', 'utf8'))

/** What a call reverted with: an error of the venue's own, or of a registry that it called. */
function revertOf({ data }) {
  if (typeof data !== 'string') return undefined
  const abis = [venueFile().abi, portfolioRegistryAbi, riskRegistryAbi]
  const found = abis.map((abi) => new Interface(abi).parseError(data)).find((parsed) => parsed !== null)
  return found && `${found.name}(${found.args.join(', ')})`
}

/** 0 and 2^48 - 1 are none within the scenarios. */
const priceText = (priceE8) => (priceE8 === 0n || priceE8 === 2n ** 48n - 1n ? 'none' : formatUnits(priceE8, 8))

async function call() {
  const { abi, address } = venueFile()
  const venue = new Contract(address, abi, signer)
  const key = await venue.keyOf(signer.address, 0)
  if (command === 'propose') return (await venue.propose(key, ...(await reportOf(file)))).wait()
  if (command === 'open') return (await venue.open(0)).wait()
  if (command === 'takeOver') return (await venue.takeOver(key)).wait()
  if (command === 'prices') return { answer: [...(await venue.liquidationPrices(key))].map(priceText) }
  if (command === 'mayOpen') return { answer: [await venue.mayOpen(10_000n, 2_500n)] }
  if (command === 'isBelow') return { answer: [...(await venue.isBelowMaintenance(10_000n, 2_500n))] }
  throw new Error(`Expected deploy, propose, open, takeOver, prices, mayOpen or isBelow, got ${command}.`)
}

try {
  const { gasUsed, answer } = await (command === 'deploy' ? deploy() : call())
  console.log(`${command}: ${answer === undefined ? `${gasUsed} gas` : answer.join(', ')}`)
} catch (error) {
  const revert = revertOf(error)
  console.error(revert === undefined ? error : `${command}: ${revert}`)
  process.exitCode = 1
} finally {
  provider.destroy()
}
