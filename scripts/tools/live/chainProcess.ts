/** A development chain in a process of its own, so that its memory is nobody else's; the argument is where its clock begins. */
import { serveDevelopmentChain } from '../../../prover/service/development/chain.ts'

const { url } = await serveDevelopmentChain(BigInt(process.argv[2] ?? '0'), 0)
process.on('disconnect', () => process.exit())
process.send?.(url)
