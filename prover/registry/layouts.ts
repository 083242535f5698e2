/** Layouts of statements as the registry of models lists them. */
import { Contract, type Signer } from 'ethers'
import type { StatementName } from '../../circuits/statements/index.ts'
import { ProverError } from '../errors.ts'
import { layoutHash } from '../statement/layout.ts'
import { interfaceOf } from './artifacts.ts'
import { attempt, transact } from './transactions.ts'

/** In the order of `IModelRegistry.Kind`: a layout's kind is the statement whose words it lays out. */
export const layoutKinds = [
  'none',
  'marketRisk',
  'riskArray',
  'optionBook',
  'portfolioMargin',
  'unhealthyWitness',
  'marginsAlone',
  'scenarioWitness',
  'crossMargins',
  'arrayMargin',
] as const satisfies readonly (StatementName | 'none')[]

/** Statements that registries of one market take. */
export const portfolioStatementNames = layoutKinds.filter(
  (kind) => kind !== 'none' && kind !== 'marketRisk' && kind !== 'crossMargins',
)

/**
 * Registers what the registry of models does not know yet of some statements' layouts.
 *
 * @throws {@link LayoutUnknownError} if a layout is missing and the signer may not register it at once, before anything is sent
 * @throws {@link LayoutOfAnotherKindError} if a layout is registered for another statement
 */
export async function registerLayouts(
  signer: Signer,
  council: string,
  modelRegistry: string,
  statements: readonly StatementName[],
): Promise<void> {
  const doing = 'Reading the layouts of the registry of models'
  const registry = new Contract(modelRegistry, interfaceOf('ModelRegistry'), signer)
  const kinds = await attempt(doing, () =>
    Promise.all(statements.map((statement): Promise<bigint> => registry.getFunction('kindOf')(layoutHash(statement)))),
  )
  const missing = statements.filter((statement, i) => {
    const kind = layoutKinds[Number(kinds[i])] ?? 'a statement of later date'
    if (kind === 'none' || kind === statement) return kind === 'none'
    throw new LayoutOfAnotherKindError(statement, layoutHash(statement), kind, modelRegistry)
  })
  const [first] = missing
  if (first === undefined) return
  if (!(await mayRegisterLayouts(signer, council, modelRegistry))) {
    throw new LayoutUnknownError(first, layoutHash(first), modelRegistry)
  }
  for (const statement of missing) {
    const args = [layoutHash(statement), layoutKinds.indexOf(statement)]
    await transact(signer, modelRegistry, 'ModelRegistry', 'registerLayout', args)
  }
}

/** At once: not after a delay of the council. */
async function mayRegisterLayouts(signer: Signer, council: string, modelRegistry: string): Promise<boolean> {
  const selector = interfaceOf('ModelRegistry').getFunction('registerLayout')?.selector
  const authority = new Contract(council, interfaceOf('RiskCouncil'), signer)
  const { immediate } = await attempt('Reading the rights of the signer', async () =>
    authority.getFunction('canCall')(await signer.getAddress(), modelRegistry, selector),
  )
  return immediate
}

/** The registry of models does not know a layout, and the signer is not one to register it at once. */
export class LayoutUnknownError extends ProverError {
  readonly code = 'registry.layout-unknown'
  readonly statement: StatementName
  readonly layoutHash: string
  readonly modelRegistry: string

  constructor(statement: StatementName, hash: string, modelRegistry: string) {
    super(
      `The registry of models ${modelRegistry} does not know the layout of ${statement} (${hash}). ` +
        'Have the council register it, or use the version of this software that the registry knows.',
    )
    this.statement = statement
    this.layoutHash = hash
    this.modelRegistry = modelRegistry
  }
}

/** The registry of models takes a layout for something else, and for ever. */
export class LayoutOfAnotherKindError extends ProverError {
  readonly code = 'registry.layout-of-another-kind'
  readonly statement: StatementName
  readonly layoutHash: string
  readonly kind: string

  constructor(statement: StatementName, hash: string, kind: string, modelRegistry: string) {
    super(
      `The registry of models ${modelRegistry} lists the layout of ${statement} (${hash}) as one of ${kind}. ` +
        'Deploy a registry of models of your own.',
    )
    this.statement = statement
    this.layoutHash = hash
    this.kind = kind
  }
}
