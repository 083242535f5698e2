/**
 * Writes docs/generated/reverts.md, every error that our contracts revert with: arguments and cause from where it is declared, what
 * to do from `prover/registry/revertAdvice.ts`, which commands say as well.
 *
 *   node scripts/documentReverts.ts [--check]
 *
 * `--check` writes nothing and fails if the file is not what it should be, or an error has no advice, or advice no error.
 */
import { revertAdvice } from '../prover/registry/revertAdvice.ts'
import { writePage } from './generators/page.ts'
import { revertsOfContracts, rowOf } from './generators/reverts.ts'

const introduction = `# Reverts

Every error that a contract of this project reverts with, by name. Names that several contracts share stand once for each. A command of
\`zkrisk\` that a contract refused prints the name, the arguments and what is to be done. Reverts of other people's contracts,
such as tokens', pass through unchanged.

Written by \`node scripts/documentReverts.ts\`.

| error | cause | what to do | declared in |
|---|---|---|---|
`

const reverts = revertsOfContracts()
const names = new Set(reverts.map(({ name }) => name))
const faults = [
  ...[...names].filter((name) => !revertAdvice[name]).map((name) => `${name} has no advice in revertAdvice.ts`),
  ...Object.keys(revertAdvice)
    .filter((name) => !names.has(name))
    .map((name) => `revertAdvice.ts has ${name}, which no contract reverts with`),
]
for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exitCode = 1
const rows = reverts.map((revert) => rowOf(revert, revertAdvice[revert.name] ?? ''))
writePage('reverts.md', `${introduction}${rows.join('\n')}\n`, 'scripts/documentReverts.ts')
