/** A chain in a process of its own, of any chain id: `node test/system/otherChain.ts 4242` prints its address and serves it. */
import { createHardhatRuntimeEnvironment } from 'hardhat/hre'
import { root } from '../../scripts/tools/sources.ts'

const chainId = Number(process.argv[2])
const { network } = await createHardhatRuntimeEnvironment(
  { networks: { chain: { type: 'edr-simulated', chainId, loggingEnabled: false } } },
  {},
  root,
)
const server = await network.createServer('chain', '127.0.0.1', 0)
const { port } = await server.listen()
console.log(`http://127.0.0.1:${port}`)
