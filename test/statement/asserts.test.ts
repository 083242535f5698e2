import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { includedFiles } from '../../scripts/tools/compileCircom.ts'
import { root } from '../../scripts/tools/sources.ts'
import { compileCircuit } from '../../scripts/tools/circuits/circuit.ts'
import { buildOf, sourceOf } from '../../scripts/tools/cases/batches.ts'

/** The main file with all it includes in one text, so that it can be changed as a whole. */
function flatten(source: string): string {
  const files = [...includedFiles(source, '.')].map((file) => readFileSync(join(root, file), 'utf8'))
  const body = [...files, source].map((text) => text.replace(/^\s*(pragma|include)\b.*$/gm, ''))
  return `pragma circom 2.2.3;\n${body.join('\n')}`
}

test('Q1: soundness rests on no assert: without a single one, the constraints are the same', async () => {
  const source = sourceOf(buildOf(1, 2, 0))
  const flat = flatten(source)
  const asserts = flat.match(/^\s*assert\(.*\);.*$/gm) ?? []
  expect(asserts.length).toBeGreaterThan(20)
  const stripped = flat.replace(/^\s*assert\(.*\);.*$/gm, '')
  expect(stripped).not.toMatch(/\bassert\(/)
  const [withAsserts, without] = [await compileCircuit(source), await compileCircuit(stripped)]
  expect(without.hasConstraintsOf(withAsserts)).toBe(true)
})
