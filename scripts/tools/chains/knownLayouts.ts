/** A registry of models that knows every layout that our contracts speak. */
import type { Contract } from 'ethers'
import { layoutKinds } from '../../../prover/registry/index.ts'
import { layoutHash } from '../../../prover/statement/layout.ts'
import { type Chain, mined } from './chain.ts'

export async function deployModelRegistry(chain: Chain, council: Contract): Promise<Contract> {
  const models = await chain.deploy('ModelRegistry', council)
  for (const [kind, statement] of layoutKinds.entries()) {
    if (statement !== 'none') await mined(models.getFunction('registerLayout')(layoutHash(statement), kind))
  }
  return models
}
