/**
 * hardhat.config.ts for contracts that no chain would take: with lines counted, or compiled in a hurry. Chains have no limits of
 * size and gas, and artefacts lie in the folder that ZKRISK_BUILD names, never in the clone's own.
 */
import { join } from 'node:path'
import { defineConfig } from 'hardhat/config'
import base from '../../hardhat.config.ts'
import { buildFolder } from '../../prover/config.ts'
import { countingBesideMemory } from './coverageLibrary.ts'
import { hastySettings } from './hastySettings.ts'
import { mutantNumbers } from './mutantPlugin.ts'

export default defineConfig({
  ...base,
  plugins: [...(base.plugins ?? []), countingBesideMemory, mutantNumbers],
  paths: { ...base.paths, artifacts: join(buildFolder, 'artifacts'), cache: join(buildFolder, 'hardhat') },
  solidity: Object.assign({}, base.solidity, { settings: hastySettings }),
  // Generated verifiers are no sources of ours.
  coverage: { skipFiles: ['build/**'] },
  networks: {
    default: {
      type: 'edr-simulated',
      allowUnlimitedContractSize: true,
      blockGasLimit: 1_000_000_000_000n,
      transactionGasCap: false,
    },
  },
})
