/** A circuit with the public signals of the real ones that is proven in a moment, for trials of fleets, and its keys. */
import { join } from 'node:path'
import { type CircuitKeys, KeyStore } from '../../../prover/proof/index.ts'
import { compileCircom } from '../compileCircom.ts'
import { root } from '../sources.ts'

const SOURCE = `pragma circom 2.2.0;
template FleetTrial() {
    signal input challenge, secret;
    signal output commitment, evaluation;
    signal power[1000];
    power[0] <== secret * secret;
    for (var i = 1; i < 1000; i++) { power[i] <== power[i - 1] * (power[i - 1] + i); }
    commitment <== power[999] * secret;
    evaluation <== (challenge + commitment) * (challenge - secret);
    secret * (secret - 7) === 0;
}
component main {public [challenge]} = FleetTrial();
`

/** The circuit accepts no other. */
const SECRET = 7n
/** Nothing that is not 0 or 7 is accepted. */
const UNSATISFIED = 8n

/** Input of the n-th job. */
export const trialInput = (n: number): { readonly challenge: bigint; readonly secret: bigint } => ({
  challenge: BigInt(n),
  secret: SECRET,
})

export const refusedInput = { challenge: 0n, secret: UNSATISFIED } as const

/** Keys in a folder, made when they are not there. */
export async function trialKeys(folder: string): Promise<CircuitKeys> {
  const circuit = await compileCircom('fleetTrial', SOURCE, join(root, 'build', 'proofTests', 'fleetTrial'))
  return new KeyStore(folder).loadOrMakeDevelopmentKeys(circuit, { threads: 1 })
}
