/** The verifier of the very key that is to be deployed: as it was built, or compiled here where the keys lie elsewhere. */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { ProverError } from '../../errors.ts'
import { generateVerifierContract, type VerificationKey, verificationKeyHash } from '../../proof/index.ts'
import { type Artifact, verifierArtifactOf } from '../../registry/index.ts'
import { verifierNameOf } from '../../registry/artifacts.ts'
import { digestOfJson } from '../../registry/digest.ts'
import { writeWholeFile } from '../wholeFile.ts'
import { buildFolder, projectRoot } from '../../config.ts'

type Compiler = { compile(input: string): string }

type CompilerOutput = {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[]
  readonly contracts?: Record<
    string,
    Record<
      string,
      { abi: Artifact['abi']; evm: { bytecode: { object: string }; deployedBytecode: { object: string } } }
    >
  >
}

/** Whether a verifier says that it holds a key; a verifier holds what it was generated from. */
export const isVerifierOf = ({ deployedBytecode }: Artifact, key: VerificationKey): boolean =>
  deployedBytecode.includes(verificationKeyHash(key))

/** @throws {@link VerifierUnfitError} if it was built for another key, and there is no compiler to make another */
export function verifierFor(build: string, key: VerificationKey): Artifact {
  const built = verifierArtifactOf(build)
  if (isVerifierOf(built, key)) return built
  // By the settings too: what another version compiled is other code.
  const name = `${verifierNameOf(build)}-${verificationKeyHash(key)}-${digestOfJson(settings).slice(0, 16)}.json`
  const kept = join(buildFolder, 'verifiers', name)
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, 'utf8')) as Artifact
  const compiled = compileVerifier(build, key)
  if (compiled === undefined || !isVerifierOf(compiled, key)) {
    throw new VerifierUnfitError(build, verificationKeyHash(key))
  }
  writeWholeFile(kept, JSON.stringify(compiled))
  return compiled
}

/** Those of hardhat.config.ts. */
const settings = { evmVersion: 'cancun', viaIR: true, optimizer: { enabled: true, runs: 1_000 } }

/** As the build compiles it; undefined where the compiler, which checkouts have, is not installed. */
export function compileVerifier(build: string, key: VerificationKey): Artifact | undefined {
  const name = verifierNameOf(build)
  let compiler: Compiler
  try {
    compiler = createRequire(join(projectRoot, 'package.json'))('solc') as Compiler
  } catch {
    return undefined
  }
  const input = {
    language: 'Solidity',
    sources: { [`${name}.sol`]: { content: generateVerifierContract(key, name) } },
    settings: {
      ...settings,
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
    },
  }
  const { contracts } = JSON.parse(compiler.compile(JSON.stringify(input))) as CompilerOutput
  const found = contracts?.[`${name}.sol`]?.[name]
  if (found === undefined) return undefined
  const { abi, evm } = found
  return { abi, bytecode: `0x${evm.bytecode.object}`, deployedBytecode: `0x${evm.deployedBytecode.object}` }
}

/** The compiled verifier is of another key than the one that is to be deployed. */
export class VerifierUnfitError extends ProverError {
  readonly code = 'service.verifier-unfit'
  readonly circuit: string
  readonly verificationKeySha256: string

  constructor(circuit: string, verificationKeySha256: string) {
    super(
      `The compiled verifier of ${circuit} was not made from the key ${verificationKeySha256}, and there is no compiler here. ` +
        'Deploy from a checkout after `npm ci`, which compiles the verifier of the keys at hand.',
    )
    this.circuit = circuit
    this.verificationKeySha256 = verificationKeySha256
  }
}
