import { createRequire } from 'node:module'
import hardhatEthers from '@nomicfoundation/hardhat-ethers'
import { defineConfig } from 'hardhat/config'
import { ownSolidity } from './scripts/tools/solidity.ts'

const require = createRequire(import.meta.url)
const solc = require('solc/package.json') as { version: string }

export default defineConfig({
  plugins: [hardhatEthers, ownSolidity],
  paths: {
    // Verifiers follow from this machine's development keys, so they are built, not committed.
    sources: { solidity: ['contracts', 'build/contracts'] },
    // Hardhat runs no tests; what lies in test/ is compiled by the tests that need it.
    tests: { solidity: 'contracts' },
    artifacts: 'build/artifacts',
    cache: 'build/hardhat',
  },
  solidity: {
    // The compiler comes from npm by path: Hardhat would otherwise download one.
    version: solc.version,
    path: require.resolve('solc/soljson.js'),
    settings: { evmVersion: 'cancun', viaIR: true, optimizer: { enabled: true, runs: 1_000 } },
  },
})
