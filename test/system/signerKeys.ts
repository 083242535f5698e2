/** Key files of the signers that sources on a development chain ask for. */
import { join } from 'node:path'
import { FEED_SIGNER_KEYS, FEED_THRESHOLD } from '../../prover/service/development/chain.ts'
import { writeSecretFile } from '../../prover/service/wholeFile.ts'

export const signerKeyFilesIn = (folder: string): string[] =>
  FEED_SIGNER_KEYS.slice(0, FEED_THRESHOLD).map((key, i) => {
    const file = join(folder, `signer-${i + 1}.key`)
    writeSecretFile(file, `${key}\n`)
    return file
  })
