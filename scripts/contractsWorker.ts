/** A thread that has Hardhat compile contracts; it keeps Hardhat loaded from one task to the next. */
import { relative } from 'node:path'
import { parentPort } from 'node:worker_threads'
import { createHardhatRuntimeEnvironment } from 'hardhat/hre'
import config from '../hardhat.config.ts'
import { root } from './tools/sources.ts'

/** Beginnings of paths from the root, of sources that are not compiled now. */
export type ContractsTask = { readonly leaveOut: readonly string[] }

/** Undefined when all went well. */
export type ContractsAnswer = { readonly failure: string | undefined }

const { solidity } = await createHardhatRuntimeEnvironment(config, {}, root)

async function compile({ leaveOut }: ContractsTask): Promise<ContractsAnswer> {
  const files = (await solidity.getRootFilePaths()).filter(
    (file) => !leaveOut.some((start) => relative(root, file).replaceAll('\\', '/').startsWith(start)),
  )
  const results = await solidity.build(files, { quiet: true, cleanupArtifacts: leaveOut.length === 0 })
  if (!solidity.isSuccessfulBuildResult(results)) return { failure: JSON.stringify(results, null, 2) }
  const errors = [...results.values()].flatMap((result) => (result.type === 'BUILD_FAILURE' ? result.errors : []))
  const words = new Set(errors.map(({ formattedMessage, message }) => formattedMessage ?? message))
  return { failure: words.size === 0 ? undefined : [...words].join('\n') }
}

parentPort?.on('message', async (task: ContractsTask) => {
  const answer = await compile(task).catch((error: Error): ContractsAnswer => ({ failure: error.message }))
  parentPort?.postMessage(answer)
})
