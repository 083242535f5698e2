/** The table of reverts against what the compiler says that contracts revert with. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { contractSources } from '../../prover/registry/artifacts.ts'
import { ContractRevertError } from '../../prover/registry/contractErrors.ts'
import { revertAdvice } from '../../prover/registry/revertAdvice.ts'
import { revertsOfContracts } from '../../scripts/generators/reverts.ts'
import { filesBelow, root } from '../../scripts/tools/sources.ts'

type Fragment = { readonly type: string; readonly name: string; readonly inputs?: readonly { readonly name: string }[] }

const artifacts = filesBelow('build/artifacts/contracts', '.json').filter((file) => !file.includes('/mocks/'))
const compiled = artifacts.flatMap((file) => {
  const { abi = [] } = JSON.parse(readFileSync(join(root, file), 'utf8')) as { abi?: readonly Fragment[] }
  const errors = abi.filter(({ type }) => type === 'error')
  return errors.map(({ name, inputs = [] }) => ({ file, error: `${name}(${inputs.map((each) => each.name).join()})` }))
})
const table = readFileSync(join(root, 'docs/generated/reverts.md'), 'utf8')
const rows = [...table.matchAll(/^\| `(\w+)\((.*?)\)` \| (.*) \| (.*) \| (.*) \|$/gm)]

describe('the table of reverts', () => {
  it('is of contracts a user meets, all of which are compiled', () => {
    for (const source of Object.values(contractSources))
      expect(artifacts.some((file) => file.startsWith(`build/artifacts/${source}/`))).toBe(true)
    expect(new Set(compiled.map(({ error }) => error)).size).toBeGreaterThan(300)
  })

  it('has every error of every compiled contract, with its arguments', () => {
    const named = (parameters = ''): string => parameters.replace(/[^,]* /g, '')
    const known = new Set(rows.map(([, name, parameters]) => `${name}(${named(parameters)})`))
    expect(compiled.filter(({ error }) => !known.has(error))).toEqual([])
    expect(known).toContain('ReportUnknown(account,sequence,current)')
    expect(known).not.toContain('ReportUnknown(account,sequence)')
  })

  it('has a cause and a remedy for each, as sentences', () => {
    expect(rows.length).toBe(revertsOfContracts().length)
    for (const [, name = '', , cause = '', remedy = ''] of rows) {
      expect(cause, name).toMatch(/^\p{Lu}.{8,}[.…]$/u)
      expect(remedy, name).toMatch(/^\p{Lu}.{8,}\.$/u)
      expect(remedy, name).toBe(revertAdvice[name])
    }
  })

  it('says what a command says', () => {
    const said = new ContractRevertError('opening', 'MarginStale', { asOf: 1n, oldest: 2n }, undefined).message
    expect(said).toBe(`opening: refused with MarginStale(asOf 1, oldest 2). ${revertAdvice.MarginStale}`)
    expect(new ContractRevertError('opening', 'Elsewhere', {}, undefined).message).toBe(
      'opening: refused with Elsewhere().',
    )
  })
})
