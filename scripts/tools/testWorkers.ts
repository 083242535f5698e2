/** How many processes run test files side by side. */
import { availableParallelism, totalmem } from 'node:os'

/** Half of the time of files goes into waiting: for blocks, heartbeats, time-outs, processes that were killed. */
const FILES_A_PROCESSOR = 1.5
/** Of one process in the end, with what it loaded for all of its files, provers and compilers among them, and its children. */
const MEMORY_EACH = 6 * 2 ** 30
const FEWEST = 2

export function testWorkers(processors = availableParallelism(), memoryBytes = totalmem()): number {
  return Math.max(FEWEST, Math.min(Math.round(FILES_A_PROCESSOR * processors), Math.floor(memoryBytes / MEMORY_EACH)))
}
